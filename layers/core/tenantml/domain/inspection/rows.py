"""Blocks of whole rows: where each row and each value lies, found by whole-array arithmetic where that is exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenantml.domain.inspection.records import (
    Limits,
    Record,
    lines_in,
    read_record,
    refuse_bad_bytes,
    refuse_ragged,
    terminator_before,
)

PADDING = bytes(8)  # lets the last value of a block be read as one 8-byte word


@dataclass(frozen=True)
class Rows:
    """Whole rows in order: `text` is theirs byte for byte, each row from its `starts` to the next one's.

    `values` holds the values as written, quotes still doubled, plus padding; `value_starts` and `value_ends` are
    of shape (rows, columns). `line` is the 1-based line of the first row, `line_ends` counts rows by terminator.
    """

    text: bytes
    starts: NDArray[np.int64]
    values: bytes
    value_starts: NDArray[np.int64]
    value_ends: NDArray[np.int64]
    line: int
    line_ends: dict[str, int]
    blank_lines: int = 0
    quoted: bool = False

    def value(self, row: int, column: int) -> bytes:
        """Return one value."""
        return self.values[self.value_starts[row, column] : self.value_ends[row, column]]

    def line_of(self, row: int) -> int:
        """Return the 1-based line of the file where a row starts; blank lines before it in the block are not counted."""
        return self.line + lines_in(self.text, 0, int(self.starts[row]))


class Reader:
    """Cuts a stream of bytes into its first record and blocks of whole rows, holding one block and one row at most."""

    def __init__(self, chunks: Iterable[bytes], limits: Limits, block_bytes: int):
        self._chunks = _pieces(chunks, block_bytes)
        self._limits = limits
        self._block_bytes = block_bytes
        self._text = b""
        self._last = False
        self._offset = 0  # of `_text` in the file
        self._line = 1
        self.size_bytes = 0
        self.final_newline = True
        self.blank_lines = 0

    def head(self, size: int) -> bytes:
        """Return the first bytes of the file without consuming them."""
        while len(self._text) < size and not self._last:
            self._read()
        return self._text[:size]

    def skip(self, size: int) -> None:
        """Consume bytes that are no part of a row, as a byte-order mark is."""
        self._consume(size, 0)

    def header(self) -> tuple[Record, bytes, int] | None:
        """Consume the first record that is not blank: the record, its text and its line; None when there is none.

        Raises:
            DatasetError: as `read_record` and `refuse_bad_bytes` do.
        """
        while True:
            record = read_record(self._text, 0, self._line, self._limits, last=self._last) if self._text else None
            if record is None:
                if self._last:
                    return None
                self._read()
                continue
            text, line = self._text[: record.end], self._line
            refuse_bad_bytes(text, line, self._offset)
            self._consume(record.end, lines_in(text, 0, len(text)))
            if not record.blank:
                return record, text, line
            self.blank_lines += 1

    def rows(self, columns: int) -> Iterator[Rows]:
        """Consume the rest in blocks of rows.

        Raises:
            DatasetError: at the first record that is not well formed, not text, or has another number of fields.
        """
        while True:
            if self._text:
                block, size = self._exact(columns)
                if size:
                    lines = lines_in(self._text, 0, size)
                    self._consume(size, lines)
                    self.blank_lines += block.blank_lines
                    if len(block.starts):
                        yield block
            if self._last:
                return
            self._read()

    def _exact(self, columns: int) -> tuple[Rows, int]:
        """Read record by record; returns the rows and how many bytes they took, blank lines included."""
        at, line, blank = 0, self._line, 0
        records: list[Record] = []
        text = self._text
        while at < len(text) and (record := read_record(text, at, line, self._limits, last=self._last)):
            raw = text[at : record.end]
            refuse_bad_bytes(raw, line, self._offset + at)
            line += lines_in(raw, 0, len(raw))
            at = record.end
            if record.blank:
                blank += 1
            else:
                refuse_ragged(record, text, line - lines_in(raw, 0, len(raw)), columns)
                records.append(record)
        return _rows_of(text, records, columns, self._line, blank), at

    def _read(self) -> None:
        """Take in about a block more; at the end give the last row a terminator if it has none."""
        wanted = self._block_bytes
        pieces = [self._text]
        while wanted > 0 and not self._last:
            piece = next(self._chunks, None)
            if piece is None:
                self._last = True
                self._text = b"".join(pieces)
                if self._text and not terminator_before(self._text, len(self._text)):
                    self.final_newline = False
                    self._text += self._terminator
                return
            self.size_bytes += len(piece)
            wanted -= len(piece)
            pieces.append(piece)
        self._text = b"".join(pieces)

    _terminator = b"\n"

    def _consume(self, size: int, lines: int) -> None:
        self._text = self._text[size:]
        self._offset += size
        self._line += lines


def _pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut chunks that are larger than a block."""
    for chunk in chunks:
        for at in range(0, len(chunk), size):
            yield chunk[at : at + size]


def _rows_of(text: bytes, records: list[Record], columns: int, line: int, blank: int) -> Rows:
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
        line_ends={"lf": kinds.count(b"\n"), "crlf": kinds.count(b"\r\n"), "cr": kinds.count(b"\r")},
        blank_lines=blank,
        quoted=b'"' in text,
    )
