"""Blocks of whole rows: where each row and each value lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tenantml_analysis.inspection.records import Record, lines_in, terminator_before
from tenantml_analysis.inspection.words import PADDING, Words, words_of


@dataclass(frozen=True)
class Rows:
    """Whole rows in order: `text` is theirs byte for byte, each row from its `starts` to the next one's.

    `values` holds the values as written, quotes still doubled, plus padding; `value_starts` and `value_ends` are
    of shape (rows, columns). `line` is the 1-based line of the text in the file, which has `lines` lines, blank ones
    included; `row_lines` has the line of each row when there are blank ones. `line_ends` counts rows by terminator.
    """

    text: bytes
    starts: NDArray[np.int64]
    values: bytes
    value_starts: NDArray[np.int64]
    value_ends: NDArray[np.int64]
    line: int
    lines: int
    line_ends: dict[str, int]
    quoted: bool
    row_lines: list[int] | None = None

    @cached_property
    def words(self) -> Words:
        """The values as aligned words."""
        return words_of(self.values)

    def value(self, row: int, column: int) -> bytes:
        """Return one value."""
        return self.values[self.value_starts[row, column] : self.value_ends[row, column]]

    def line_of(self, row: int) -> int:
        """Return the 1-based line of the file where a row starts."""
        if self.row_lines:
            return self.row_lines[row]
        return self.line + lines_in(self.text, 0, int(self.starts[row]))


def rows_of(text: bytes, records: list[Record], record_lines: list[int], columns: int, line: int, size: int) -> Rows:
    """Return the rows that were read one by one from the first `size` bytes of a text; it may hold blank lines too."""
    raw = [text[record.start : record.end] for record in records]
    values = [value for record in records for value in record.fields]
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if values else ends
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    kinds = [terminator_before(row, len(row)) for row in raw]
    return Rows(
        text=b"".join(raw),
        starts=np.cumsum(lengths) - lengths,
        values=b"".join(values) + PADDING,
        value_starts=starts.reshape(-1, columns),
        value_ends=ends.reshape(-1, columns),
        line=line,
        lines=lines_in(text, 0, size),
        line_ends={"lf": kinds.count(b"\n"), "crlf": kinds.count(b"\r\n"), "cr": kinds.count(b"\r")},
        quoted=text.find(b'"', 0, size) >= 0,
        row_lines=record_lines,
    )
