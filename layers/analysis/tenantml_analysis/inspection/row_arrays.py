"""Blocks of whole rows: where each row and each value lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tenantml_analysis.inspection.known_keys import null_words
from tenantml_analysis.inspection.records import Record, lines_in, terminator_before
from tenantml_analysis.inspection.words import PADDING, Ints, Mask, Words, blank_only, first_words, keys_of, words_of

_QUOTE, _CR, _LF = b'"\r\n'


@dataclass(frozen=True)
class Rows:
    """Whole rows in order: `text` is theirs byte for byte, each row from its `starts` to the next one's.

    `values` holds the values as written, quotes still doubled, plus padding; `value_starts` and `value_ends` are
    of shape (rows, columns). `cell_starts` and `cell_ends` are where they lie in `text`, without the quotes around
    them. `line` is the 1-based line of the text in the file, which has `lines` lines, blank ones included;
    `row_lines` has the line of each row where it does not follow from the text. `line_ends` counts rows by
    terminator.
    """

    text: bytes
    starts: Ints
    values: bytes
    value_starts: Ints
    value_ends: Ints
    cell_starts: Ints
    cell_ends: Ints
    line: int
    lines: int
    line_ends: dict[str, int]
    quoted: bool
    row_lines: Ints | None = None

    @cached_property
    def words(self) -> Words:
        """The values as aligned words."""
        return words_of(self.values)

    @cached_property
    def lengths(self) -> Ints:
        """How long each value is."""
        return self.value_ends - self.value_starts

    @cached_property
    def first(self) -> Words:
        """The first word of each value."""
        return first_words(self.words, self.value_starts, self.lengths)

    @cached_property
    def blanks(self) -> Mask:
        """Which values are of blanks alone."""
        return blank_only(self.words, self.value_starts, self.lengths, self.first)

    @cached_property
    def missing(self) -> Mask:
        """Which values are missing: empty, blank, or a word for a missing value."""
        return null_words(self.first, self.lengths) | self.blanks

    @cached_property
    def keys(self) -> Words:
        """What tells values of up to `KEYED_BYTES_MAX` bytes apart."""
        return keys_of(self.words, self.value_starts, self.lengths, self.first)

    def value(self, row: int, column: int) -> bytes:
        """Return one value."""
        return self.values[self.value_starts[row, column] : self.value_ends[row, column]]

    def line_of(self, row: int) -> int:
        """Return the 1-based line of the file where a row starts."""
        return int(self._lines_of_rows[row]) if self.row_lines is None else int(self.row_lines[row])

    @property
    def last_line(self) -> int:
        """The line where the last row starts."""
        if self.row_lines is not None:
            return int(self.row_lines[-1])
        return self.line + self.lines - lines_in(self.text, int(self.starts[-1]), len(self.text))

    @cached_property
    def _lines_of_rows(self) -> Ints:
        rows = len(self.starts)
        if self.lines == rows:
            return np.arange(self.line, self.line + rows)
        buffer = np.frombuffer(self.text, np.uint8)
        ends = np.flatnonzero((buffer == _LF) | ((buffer == _CR) & (np.append(buffer[1:], 0) != _LF)))
        return self.line + np.searchsorted(ends, self.starts)

    def of(self, columns: list[int]) -> Rows:
        """Return the rows with the values of some columns only; their text stays whole."""
        return replace(self, value_starts=self.value_starts[:, columns], value_ends=self.value_ends[:, columns])

    def staged(self, ignored: list[int]) -> tuple[bytes, Ints]:
        """Return the text that is trained on, and where its rows start: without the columns that are ignored, and with
        blank values as empty ones. All else stays byte for byte.
        """
        if not ignored and not self.blanks.any():
            return self.text, self.starts
        depth = np.zeros(len(self.text) + 1, np.int8)  # begins a span that goes: 1, ends one: -1
        blanks = self.blanks.copy()
        blanks[:, ignored] = False
        sizes = np.append(self.starts[1:], len(self.text)) - self.starts - np.where(blanks, self.lengths, 0).sum(axis=1)
        depth[self.cell_starts[blanks]] += 1
        depth[self.cell_ends[blanks]] -= 1
        if ignored:
            starts, ends = self._spans(ignored)
            depth[starts] += 1
            depth[ends] -= 1
            sizes -= (ends - starts).sum(axis=1)
        stays = np.cumsum(depth[:-1], dtype=np.int8) == 0
        return np.frombuffer(self.text, np.uint8)[stays].tobytes(), np.cumsum(sizes) - sizes

    def _spans(self, columns: list[int]) -> tuple[Ints, Ints]:
        """Return where the fields of some columns start and end with their quotes and one comma: the one after it, or
        the one before it where no other column follows.
        """
        starts, ends = self.cell_starts[:, columns], self.cell_ends[:, columns]
        quotes = (np.frombuffer(self.text, np.uint8)[starts - 1] == _QUOTE) & (starts > 0)
        kept = set(range(self.cell_starts.shape[1])) - set(columns)
        trails = np.array(columns) > max(kept)
        return starts - quotes - trails, ends + quotes + ~trails


def rows_of(text: bytes, records: list[Record], record_lines: list[int], columns: int, line: int, size: int) -> Rows:
    """Return the rows that were read one by one from the first `size` bytes of a text; it may hold blank lines too."""
    raw = [text[record.start : record.end] for record in records]
    values = [value for record in records for value in record.fields]
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if values else ends
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    row_starts = np.cumsum(lengths) - lengths
    shifts = row_starts - np.array([record.start for record in records], np.int64)  # blank lines are left out
    cells = np.array([record.spans for record in records], np.int64).reshape(-1, columns, 2) + shifts[:, None, None]
    kinds = [terminator_before(row, len(row)) for row in raw]
    return Rows(
        text=b"".join(raw),
        starts=row_starts,
        values=b"".join(values) + PADDING,
        value_starts=starts.reshape(-1, columns),
        value_ends=ends.reshape(-1, columns),
        cell_starts=cells[:, :, 0],
        cell_ends=cells[:, :, 1],
        line=line,
        lines=lines_in(text, 0, size),
        line_ends={"lf": kinds.count(b"\n"), "crlf": kinds.count(b"\r\n"), "cr": kinds.count(b"\r")},
        quoted=text.find(b'"', 0, size) >= 0,
        row_lines=np.array(record_lines, np.int64),
    )
