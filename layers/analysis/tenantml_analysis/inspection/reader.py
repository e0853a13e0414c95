"""Cuts a stream of bytes into the header and blocks of whole rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tenantml.errors import DatasetError
from tenantml_analysis.inspection.records import (
    Limits,
    Record,
    lines_in,
    read_record,
    refuse_bad_bytes,
    refuse_header_again,
    refuse_ragged,
    terminator_before,
)
from tenantml_analysis.inspection.row_arrays import Rows, rows_of
from tenantml_analysis.inspection.scanning import scan
from tenantml_analysis.inspection.sniffing import UTF8_BOM
from tenantml_analysis.inspection.words import word_of


class Reader:
    """Reads a stream once, holding one block and one row at most."""

    def __init__(self, chunks: Iterable[bytes], limits: Limits, block_bytes: int):
        self._chunks = _pieces(chunks, block_bytes)
        self._limits = limits
        self._block_bytes = block_bytes
        self._text = b""  # read and not yet consumed
        self._last = False  # nothing follows `_text`
        self._offset = 0  # of `_text` in the file
        self._line = 1  # where `_text` starts
        self.size_bytes = 0
        self.final_newline = True
        self.blank_lines = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return where it is in the stream, without the stream."""
        return {name: value for name, value in self.__dict__.items() if name != "_chunks"}

    def resume(self, chunks: Iterable[bytes]) -> None:
        """Go on with the rest of the stream, after the `size_bytes` that were read."""
        self._chunks = _pieces(chunks, self._block_bytes)

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
        at = 0
        while True:
            record = None
            if at < len(self._text):
                record = read_record(self._text, at, self._line + self.blank_lines, self._limits, last=self._last)
            if record is None:
                if self._last:
                    return None
                self._consume(at, 0)
                at = 0
                self._read()
            elif record.blank:
                self.blank_lines += 1
                at = record.end
            else:
                text, line = self._text[at : record.end], self._line + self.blank_lines
                refuse_bad_bytes(text, line, self._offset + at)
                self._consume(record.end, self.blank_lines + lines_in(text, 0, len(text)))
                return record, text, line

    def next_rows(self, count: int) -> list[tuple[int, list[bytes]]]:
        """Return line and fields of the next rows, as far as they are well formed, without consuming them."""
        rows: list[tuple[int, list[bytes]]] = []
        at, line = 0, self._line
        try:
            while len(rows) < count:
                record = None
                if at < len(self._text):
                    record = read_record(self._text, at, line, self._limits, last=self._last)
                if record is None:
                    if self._last:
                        break
                    self._read()
                    continue
                refuse_bad_bytes(self._text[at : record.end], line, self._offset + at)
                if not record.blank:
                    rows.append((line, record.fields))
                line += lines_in(self._text, at, record.end)
                at = record.end
        except DatasetError:
            return rows
        return rows

    def rows(self, header: list[bytes]) -> Iterator[Rows]:
        """Consume the rest in blocks of rows.

        Raises:
            DatasetError: at the first record that is not well formed, not text, has another number of fields, or is
                the header again.
        """
        while True:
            if self._text:
                rows = scan(self._text, len(header), self._limits, self._line)
                size = len(rows.text) if rows else 0
                if rows is None:
                    rows, size = self._exact(header)
                else:
                    _refuse_repeated_header(rows, header)
                self._consume(size, rows.lines)
                if len(rows.starts):
                    yield rows
            elif self._last:
                return
            if not self._last:
                self._read()

    def _exact(self, header: list[bytes]) -> tuple[Rows, int]:
        """Read record by record; returns the rows and how many bytes they took, blank lines included."""
        text, at, line = self._text, 0, self._line
        records: list[Record] = []
        lines: list[int] = []
        while at < len(text) and (record := read_record(text, at, line, self._limits, last=self._last)):
            raw = text[at : record.end]
            refuse_bad_bytes(raw, line, self._offset + at)
            if record.blank:
                self.blank_lines += 1
            else:
                refuse_ragged(record, text, line, len(header))
                refuse_header_again(record.fields, header, line)
                records.append(record)
                lines.append(line)
            line += lines_in(raw, 0, len(raw))
            at = record.end
        return rows_of(text, records, lines, len(header), self._line, at), at

    def _read(self) -> None:
        """Take in about a block more; at the end give the last row a terminator if it has none."""
        pieces = [self._text]
        wanted = self._block_bytes
        while wanted > 0:
            piece = next(self._chunks, None)
            if piece is None:
                self._last = True
                break
            pieces.append(piece)
            self.size_bytes += len(piece)
            wanted -= len(piece)
        self._text = b"".join(pieces)
        if self._last and self._text and not terminator_before(self._text, len(self._text)):
            self.final_newline = False
            self._text += b"\n"

    def _consume(self, size: int, lines: int) -> None:
        self._text = self._text[size:]
        self._offset += size
        self._line += lines


def _refuse_repeated_header(rows: Rows, header: list[bytes]) -> None:
    """Refuse scanned rows that have the header among them: of those that begin alike, each is compared."""
    for text in (header[0], UTF8_BOM + header[0]):
        alike = np.flatnonzero(rows.first[:, 0] == np.uint64(word_of(text[:8])))
        for row in alike[rows.lengths[alike, 0] == len(text)].tolist():
            refuse_header_again([rows.value(row, column) for column in range(len(header))], header, rows.line_of(row))


def _pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut chunks that are larger than a block."""
    for chunk in chunks:
        for at in range(0, len(chunk), size):
            yield chunk[at : at + size]
