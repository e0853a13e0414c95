"""The fast reader of blocks: finds all rows and values at once, or leaves the block to the exact reader.

It never refuses anything. It takes a block only when quotes open where a field starts and close where it ends, every
row has all columns, and the bytes are text; then it finds exactly what `records.read_record` would. For all else the
exact reader decides.

What is asked of every byte is answered as bits, 64 bytes in a word: the commas of a megabyte are 16,384 words, and
bytes inside quotes are left out of them by one operation.
"""

from __future__ import annotations

import numpy as np

from tenantml_analysis.inspection.records import Limits
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.words import PADDING, Words

_COMMA, _QUOTE, _LF, _CR = b',"\n\r'
_U = np.uint64


def scan(text: bytes, columns: int, limits: Limits, line: int) -> Rows | None:
    """Return the whole rows that a text begins with, which starts a row; None when the exact reader must look."""
    if text.find(b"\0") >= 0:
        return None
    values = text + bytes(len(PADDING) + -(len(text) + len(PADDING)) % 64)
    commas, feeds, quotes, returns = (_bits_of(values, byte) for byte in (_COMMA, _LF, _QUOTE, _CR))
    outside = ~_odd_so_far(quotes)  # all but what is quoted and the opening quotes
    size = _size(feeds & outside)
    if not size:
        return None
    commas, feeds, quotes, returns, outside = (_cut(bits, size) for bits in (commas, feeds, quotes, returns, outside))
    lone_returns = returns & ~_of_next(feeds)
    if (lone_returns & outside).any() or _misquoted(commas | feeds, quotes, returns, outside):
        return None
    separators = np.unpackbits(((commas | feeds) & outside).view(np.uint8), count=size, bitorder="little")
    places = np.flatnonzero(separators.view(np.bool_))
    rows = _count(feeds & outside)
    buffer = np.frombuffer(values, np.uint8)
    if len(places) != rows * columns or (buffer[places[columns - 1 :: columns]] != _LF).any():
        return None
    ends = places.reshape(rows, columns)
    starts = np.empty_like(ends)
    starts.flat[0] = 0
    np.add(places[:-1], 1, out=starts.ravel()[1:])
    row_starts, row_ends = starts[:, 0].copy(), ends[:, -1] + 1
    crlf = 0
    if returns.any():
        before_end = buffer[row_ends - 2] == _CR
        crlf = int(np.count_nonzero(before_end))
        ends[:, -1] -= before_end
    quoted = bool(quotes.any())
    if quoted:
        is_quoted = buffer.take(starts) == _QUOTE
        starts += is_quoted
        ends -= is_quoted
    found = Rows(
        text=text[:size],
        starts=row_starts,
        values=values,
        value_starts=starts,
        value_ends=ends,
        cell_starts=starts,
        cell_ends=ends,
        line=line,
        lines=_count(feeds) + _count(lone_returns),
        line_ends={"lf": rows - crlf, "crlf": crlf, "cr": 0},
        quoted=quoted,
    )
    long = (row_ends - row_starts).max() > limits.row_bytes or found.lengths.max() > limits.field_bytes
    return None if long or not _is_utf8(text, size) else found


def _bits_of(text: bytes, byte: int) -> Words:
    """Return where a byte is, as bits: the first is the lowest of the first word."""
    if byte not in text:
        return np.zeros(len(text) // 64, _U)
    return np.packbits(np.frombuffer(text, np.uint8) == byte, bitorder="little").view(_U)


def _count(bits: Words) -> int:
    return int(np.bitwise_count(bits).sum())


def _size(bits: Words) -> int:
    """Return the place after the last one."""
    words = np.flatnonzero(bits)
    return 64 * int(words[-1]) + int(bits[words[-1]]).bit_length() if len(words) else 0


def _cut(bits: Words, size: int) -> Words:
    """Leave out the bits after the first so many."""
    bits = bits[: -(-size // 64)]
    bits[-1] &= _U((1 << (size - 1) % 64 + 1) - 1)
    return bits


def _of_next(bits: Words) -> Words:
    """Return each bit at the place before it."""
    moved = bits >> _U(1)
    moved[:-1] |= bits[1:] << _U(63)
    return moved


def _of_previous(bits: Words) -> Words:
    """Return each bit at the place after it."""
    moved = bits << _U(1)
    moved[1:] |= bits[:-1] >> _U(63)
    return moved


def _odd_so_far(bits: Words) -> Words:
    """Say for each bit whether it is, with those before it, an odd number of ones."""
    odd = bits.copy()
    if not odd.any():
        return odd
    for shift in (1, 2, 4, 8, 16, 32):
        odd ^= odd << _U(shift)
    of_words = odd >> _U(63)
    odd ^= np.negative(np.bitwise_xor.accumulate(of_words) ^ of_words)  # all bits where the words before are odd
    return odd


def _misquoted(separators: Words, quotes: Words, returns: Words, outside: Words) -> bool:
    """Say whether a quote opens where no field starts, or closes where none ends; a doubled one closes and opens."""
    if not quotes.any():
        return False
    before = _of_previous(separators | quotes)
    before[0] |= _U(1)
    after = _of_next(separators | quotes | returns)
    return bool((quotes & ~((outside & after) | (~outside & before))).any())


def _is_utf8(text: bytes, size: int) -> bool:
    if text.isascii():
        return True
    try:
        text[:size].decode()
    except UnicodeDecodeError:
        return False
    return True
