"""The sample of rows that advice is given by: drawn evenly from the labelled rows of the whole file, in one pass.

A row is drawn by its number times the golden ratio, of which the fractions spread evenly: so it is the same one each
time, and no pattern of the file's is met. When the sample outgrows its bounds the limit of the fractions falls to half.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import compress

import numpy as np

from tenantml_analysis.inspection.words import Ints

_U = np.uint64
_GOLDEN_RATIO = _U(0x9E3779B97F4A7C15)  # its fraction, times 2**64


@dataclass(frozen=True)
class Sample:
    """Different rows drawn evenly from the file: values as read, by column, and the target's values beside them."""

    columns: list[list[bytes]]
    target: list[bytes]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)


class Sampler:
    """Draws `rows_max` rows of at most `bytes_max` together; holds about twice as many on the way."""

    def __init__(self, rows_max: int, bytes_max: int):
        self._rows_max, self._bytes_max = rows_max, bytes_max
        self._limit = 2**64  # above the fractions of the rows that are drawn, as whole numbers
        self._fractions: list[int] = []
        self._rows: list[bytes] = []
        self._bytes = 0
        self._seen = 0

    def add(self, text: bytes, starts: Ints, labelled: Ints) -> None:
        """Draw from the rows of a text, each of which ends where the next one starts; `labelled` has the numbers of
        those that have a target.
        """
        fractions = np.arange(self._seen, self._seen + len(labelled), dtype=_U)
        fractions *= _GOLDEN_RATIO
        self._seen += len(labelled)
        rows = np.flatnonzero(fractions <= _U(self._limit - 1))
        while len(self._rows) + len(rows) > 2 * self._rows_max:
            self._thin()
            rows = rows[fractions[rows] <= _U(self._limit - 1)]
        drawn = labelled[rows]
        self._fractions += fractions[rows].tolist()
        ends = np.append(starts[1:], len(text))[drawn].tolist()
        self._rows += [text[start:end] for start, end in zip(starts[drawn].tolist(), ends, strict=True)]
        self._bytes += sum(map(len, self._rows[len(self._rows) - len(rows) :]))
        while self._bytes > 2 * self._bytes_max and len(self._rows) > 1:
            self._thin()

    def _thin(self) -> None:
        self._limit //= 2
        stay = [number < self._limit for number in self._fractions]
        self._fractions, self._rows = list(compress(self._fractions, stay)), list(compress(self._rows, stay))
        self._bytes = sum(map(len, self._rows))

    def sample(self, columns: int, target: int) -> Sample:
        """Return the sample of a file of so many columns, of which one is the target."""
        different = list(dict.fromkeys(self._rows))  # what is repeated would seem to determine the target
        by_column = self._columns(different, columns)
        return Sample(by_column, by_column[target])

    def drawn(self, columns: int) -> list[list[bytes]]:
        """Return the values of the rows that were drawn of a file of so many columns, by column, repeats among them."""
        return self._columns(self._rows, columns)

    def _columns(self, texts: list[bytes], columns: int) -> list[list[bytes]]:
        count = min(len(texts), self._rows_max, max(1, len(self._rows) * self._bytes_max // max(1, self._bytes)))
        even = [texts[i * len(texts) // count] for i in range(count)]
        rows = csv.reader(text.decode("latin-1") for text in even)  # each text is one row, whatever ends lines in it
        values = ["\0".join(row).encode("latin-1").split(b"\0") for row in rows]  # no value holds a NUL
        return [list(column) for column in zip(*values, strict=True)] or [[] for _ in range(columns)]
