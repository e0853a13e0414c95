"""The sample of rows that advice is given by: drawn evenly from the labelled rows of the whole file, in one pass.

A row is drawn by a hash of its number, so that it is the same one each time and no pattern of the file's is met. When
the sample outgrows its bounds every second row of it, again by hash, is dropped.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import compress

import numpy as np

from tenantml_analysis.inspection.words import Ints, mixed

_U = np.uint64


@dataclass(frozen=True)
class Sample:
    """Rows drawn evenly from the file: values as read, by column, and the target's values beside them."""

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
        self._limit = 2**64  # above the hashes of the rows that are drawn
        self._hashes: list[int] = []
        self._rows: list[bytes] = []
        self._seen = 0

    def add(self, text: bytes, starts: Ints, labelled: Ints) -> None:
        """Draw from the rows of a text, each of which ends where the next one starts; `labelled` has the numbers of
        those that have a target.
        """
        hashes = mixed(np.arange(self._seen + 1, self._seen + 1 + len(labelled), dtype=_U))
        self._seen += len(labelled)
        rows = np.flatnonzero(hashes <= _U(self._limit - 1))
        while len(self._rows) + len(rows) > 2 * self._rows_max:
            self._thin()
            rows = rows[hashes[rows] <= _U(self._limit - 1)]
        drawn = labelled[rows]
        self._hashes += hashes[rows].tolist()
        ends = np.append(starts[1:], len(text))[drawn].tolist()
        self._rows += [text[start:end] for start, end in zip(starts[drawn].tolist(), ends, strict=True)]
        while sum(map(len, self._rows)) > 2 * self._bytes_max:
            self._thin()

    def _thin(self) -> None:
        self._limit //= 2
        stay = [number < self._limit for number in self._hashes]
        self._hashes, self._rows = list(compress(self._hashes, stay)), list(compress(self._rows, stay))

    def sample(self, columns: int, target: int) -> Sample:
        """Return the sample of a file of so many columns, of which one is the target."""
        size = sum(map(len, self._rows))
        count = min(len(self._rows), self._rows_max, max(1, len(self._rows) * self._bytes_max // max(1, size)))
        drawn = [self._rows[i * len(self._rows) // count] for i in range(count)]
        rows = csv.reader(text.decode("latin-1") for text in drawn)  # each text is one row, whatever ends lines in it
        values = ["\0".join(row).encode("latin-1").split(b"\0") for row in rows]  # no value holds a NUL
        by_column = [list(column) for column in zip(*values, strict=True)] or [[] for _ in range(columns)]
        return Sample(by_column, by_column[target])
