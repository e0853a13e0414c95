"""The fast reader of blocks: finds all rows and values at once, or leaves the block to the exact reader.

It never refuses anything. It takes a block only when quotes open where a field starts and close where it ends, every
row has all columns, and the bytes are text; then it finds exactly what `records.read_record` would. For all else the
exact reader decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tenantml_analysis.inspection.records import Limits, lines_in
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.words import PADDING

_COMMA, _QUOTE, _LF, _CR = 44, 34, 10, 13
_BEFORE_OPENING = np.isin(np.arange(256), (_COMMA, _LF, _QUOTE))
_AFTER_CLOSING = np.isin(np.arange(256), (_COMMA, _LF, _QUOTE, _CR))

Positions = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def scan(text: bytes, columns: int, limits: Limits, line: int) -> Rows | None:
    """Return the whole rows that a text begins with, which starts a row; None when the exact reader must look."""
    if text.find(b"\0") >= 0:
        return None
    buffer = np.frombuffer(text, np.uint8)
    quoted = b'"' in text
    ends = _value_ends(buffer, text, columns, quoted=quoted)
    if ends is None:
        return None
    rows = len(ends)
    row_ends = ends[:, -1] + 1
    size = int(row_ends[-1])
    starts = np.empty_like(ends)
    starts.flat[0] = 0
    starts.ravel()[1:] = ends.ravel()[:-1]
    starts.ravel()[1:] += 1
    row_starts = starts[:, 0].copy()
    crlf, lines = 0, 0
    if b"\r" in text:
        lines = lines_in(text, 0, size)
        before_end = buffer[row_ends - 2] == _CR
        crlf = int(np.count_nonzero(before_end))
        if _carriage_returns(buffer[:size], quoted=quoted) != crlf:
            return None
        ends[:, -1] -= before_end
    if quoted:
        is_quoted = buffer[starts] == _QUOTE
        starts += is_quoted
        ends -= is_quoted
    long = (row_ends - row_starts).max() > limits.row_bytes or (ends - starts).max() > limits.field_bytes
    if long or not _is_utf8(text, size):
        return None
    return Rows(
        text=text[:size],
        starts=row_starts,
        values=text + PADDING,
        value_starts=starts,
        value_ends=ends,
        cell_starts=starts,
        cell_ends=ends,
        line=line,
        lines=lines or int(np.count_nonzero(buffer[:size] == _LF)),
        line_ends={"lf": rows - crlf, "crlf": crlf, "cr": 0},
        quoted=quoted,
    )


def _value_ends(buffer: Bytes, text: bytes, columns: int, *, quoted: bool) -> Positions | None:
    """Return where each value's separator is, of shape (rows, columns); None unless all rows have all columns."""
    found = _separators_outside_quotes(buffer) if quoted else _separators(buffer, text.rfind(b"\n") + 1)
    if found is None:
        return None
    separators, rows = found
    if not rows or len(separators) != rows * columns:
        return None
    ends = separators.reshape(rows, columns)
    return ends if (buffer[ends[:, -1]] == _LF).all() else None


def _separators(buffer: Bytes, size: int) -> tuple[Positions, int]:
    """Return where the commas and line ends are, and how many line ends there are, in a text without quotes."""
    line_ends = buffer[:size] == _LF
    rows = int(np.count_nonzero(line_ends))
    line_ends |= buffer[:size] == _COMMA
    return np.flatnonzero(line_ends), rows


def _separators_outside_quotes(buffer: Bytes) -> tuple[Positions, int] | None:
    """The same up to the last line end outside quotes; None when a quote is where the exact reader must look."""
    is_mark = buffer == _COMMA
    is_mark |= buffer == _LF
    is_mark |= buffer == _QUOTE
    marks = np.flatnonzero(is_mark)
    kinds = buffer.take(marks)
    is_quote = kinds == _QUOTE
    inside = np.bitwise_xor.accumulate(is_quote.view(np.uint8))  # or the closing quote is next
    outside = inside | is_quote.view(np.uint8) == 0
    line_ends = np.flatnonzero(outside & (kinds == _LF))
    if not len(line_ends):
        return None
    count = int(line_ends[-1]) + 1
    marks, outside = marks[:count], outside[:count]
    quotes = marks[is_quote[:count]]  # of an even number: the last line end is outside
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) and opening[0] == 0:
        opening = opening[1:]
    if not _BEFORE_OPENING[buffer[opening - 1]].all() or not _AFTER_CLOSING[buffer[closing + 1]].all():
        return None
    return marks[outside], len(line_ends)


def _carriage_returns(buffer: Bytes, *, quoted: bool) -> int:
    """Count the carriage returns outside quotes."""
    places = np.flatnonzero(buffer == _CR)
    if not quoted:
        return len(places)
    quotes = np.flatnonzero(buffer == _QUOTE)
    return int(np.count_nonzero(np.searchsorted(quotes, places) & 1 == 0))


def _is_utf8(text: bytes, size: int) -> bool:
    if text.isascii():
        return True
    try:
        text[:size].decode()
    except UnicodeDecodeError:
        return False
    return True
