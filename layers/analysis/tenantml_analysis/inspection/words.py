"""Values as 64-bit words: eight bytes of many values compared, hashed and parsed by one array operation.

A word holds up to eight bytes of a value, the first one lowest, and zeros after its end. No value holds a NUL byte, so
a value of at most eight bytes and its word are the same thing. A text is an array of aligned words, of which each
value's are made: to pick unaligned ones takes longer than all that is done with them.
"""

from __future__ import annotations

from calendar import monthrange

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

KEYED_BYTES_MAX = 256
NUMBER_BYTES_MAX = 32
PADDING = bytes(16)  # after a text, lets the word that begins at its last byte be read

_U = np.uint64
_KEEP = np.array([(1 << 8 * size) - 1 for size in range(9)], _U)  # the first bytes of a word
_SHIFTS = np.array([0] + [64 - 8 * size for size in range(1, 9)], _U)  # to the end of a word
_ASCII_ZEROS, _HIGH_BITS = _U(0x3030303030303030), _U(0x8080808080808080)
_ALL_ZEROS = _KEEP & _ASCII_ZEROS  # words of so many zeros
_BUT_BLANKS, _LOW_BITS = _U(0xD6D6D6D6D6D6D6D6), _U(0x0101010101010101)  # a space is 0x20, a tab 0x09
_DOT = _U(ord(".") ^ ord("0"))
_BEFORE_LETTERS = ord("9") + 1  # digits, signs, dots and blanks are lower
_POWERS = np.array([float(10**n) for n in range(NUMBER_BYTES_MAX + 1)])
_SCALES = _POWERS[8::-1].copy()
_MIX = _U(0x9E3779B97F4A7C15)
_FACTORS = [_U((0xBF58476D1CE4E5B9 * (2 * place + 1) ^ 0x94D049BB133111EB) & (2**64 - 1) | 1) for place in range(31)]


def words_of(text: bytes) -> Words:
    """Return the aligned words of a padded text."""
    return np.frombuffer(text, "<u8", len(text) // 8)


def words_at(words: Words, offsets: Ints) -> Words:
    """Return the eight bytes at each offset; after the padding's, any."""
    places = offsets >> 3
    shifts = ((offsets & 7) << 3).view(_U)
    found = words.take(places, mode="clip")
    found >>= shifts
    places += 1
    above = words.take(places, mode="clip")
    above <<= np.subtract(64, shifts, out=shifts)  # by 64 bits leaves nothing
    found |= above
    return found


def first_words(words: Words, starts: Ints, lengths: Ints) -> Words:
    """Return the first word of each value."""
    found = words_at(words, starts)
    found &= _KEEP.take(lengths, mode="clip")
    return found


def blank_only(words: Words, starts: Ints, lengths: Ints, first: Words) -> Mask:
    """Say which values are of blanks alone: spaces and tabs, at least one."""
    blank: Mask = (first & _BUT_BLANKS) == 0
    if not blank.any():
        return blank
    blank &= lengths > 0
    at, rest, which = starts[blank], lengths[blank], np.flatnonzero(blank)
    flat = blank.ravel()
    for _ in range(0, KEYED_BYTES_MAX, 8):
        if not len(which):
            break
        word = first_words(words, at, rest)
        # Of the bytes that are left, a blank's first and fourth bits are the same, and its sixth is set alone.
        odd = (word & _BUT_BLANKS) | ((word ^ (word >> _U(3))) & _LOW_BITS) | (word & (word >> _U(5)) & _LOW_BITS)
        flat[which[odd != 0]] = False
        more = (odd == 0) & (rest > 8)
        at, rest, which = at[more] + 8, rest[more] - 8, which[more]
    text = words.view(np.uint8)
    for place, start, end in zip(which.tolist(), at.tolist(), (at + rest).tolist(), strict=True):  # the longest
        flat[place] = not text[start:end].tobytes().strip(b" \t")
    return blank


def keys_of(words: Words, starts: Ints, lengths: Ints, first: Words) -> Words:
    """Return 64 bits that tell values of up to `KEYED_BYTES_MAX` bytes apart: the first word itself, or a hash of a
    longer value (of its words, each multiplied by an odd number of its place).
    """
    longer = np.flatnonzero(lengths > 8)
    if not len(longer):
        return first
    keys = first.copy()
    flat = keys.ravel()
    # Those of many words first, so that what is left after each word is a slice; those of too many stay as they are.
    further = np.minimum((lengths.ravel()[longer] - 1) >> 3, len(_FACTORS) + 1).astype(np.uint8)
    order = np.argsort(further, kind="stable")[::-1]
    counts = np.cumsum(np.bincount(further, minlength=len(_FACTORS) + 2)[::-1])[::-1]
    longer = longer[order[counts[-1] :]]
    counts -= counts[-1]
    rest, at = lengths.ravel()[longer], starts.ravel()[longer]
    hashes = flat[longer]
    hashes ^= hashes >> _U(32)
    hashes *= _MIX
    places, shifts = at >> 3, ((at & 7) << 3).view(_U)
    shifts_above = 64 - shifts  # by 64 bits leaves nothing
    places += 1
    low = words.take(places, mode="clip")  # an unaligned word is of two: the upper one is the next one's lower
    for left, factor in zip(counts[1:].tolist(), _FACTORS, strict=False):
        if not left:
            break
        places, rest, low = places[:left], rest[:left], low[:left]
        places += 1
        rest -= 8
        above = words.take(places, mode="clip")
        low >>= shifts[:left]
        low |= above << shifts_above[:left]
        low &= _KEEP.take(rest, mode="clip")
        low ^= low >> _U(32)
        low *= factor
        hashes[:left] += low
        low = above
    flat[longer] = hashes
    return keys


def mixed(words: Words) -> Words:
    """Spread words over all 64 bits, in place, and return them (the finaliser of SplitMix64)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words ^= words >> _U(shift)
        words *= _U(factor)
    words ^= words >> _U(31)
    return words


def word_of(value: bytes) -> int:
    """Return the word of a value of at most eight bytes."""
    return int.from_bytes(value, "little")


def value_of(word: int) -> bytes:
    """Return the value of at most eight bytes that is a word."""
    return word.to_bytes(8, "little").rstrip(b"\0")


class PlainNumbers:
    """Which of many values are plain decimals (an optional minus, digits, at most one dot), and between which bounds
    they lie.

    `ok` says which; for those `low` <= value <= `high`, both equal to the value if it has at most eight bytes, and
    `dotted` says whether there is a dot. A whole number of over 18 digits and a value of over 32 bytes are not plain.
    """

    def __init__(self, words: Words, starts: Ints, lengths: Ints, first: Words):
        negative = (first & _U(0xFF)) == _U(ord("-"))
        signed = bool(negative.any())
        if signed:
            cut = np.flatnonzero(negative & (lengths > 8))
            lengths = lengths - negative
            first = first >> (negative.astype(_U) << _U(3))
            first[cut] = first_words(words, starts[cut] + 1, lengths[cut])
        digits, self.dotted, dot_at, self.ok = _digits(first, np.minimum(lengths, 8))
        head = _parsed(digits)
        # A value is 0.DIGITS * 10**point; eight digits over a power of ten are as exact as float() is.
        point = np.minimum(dot_at, lengths)
        self.low = self.high = head / _SCALES.take(point)
        longer = self.ok & (lengths > 8)
        if longer.any():
            starts = starts + negative
            self.high = self.low.copy()
            fractions = longer & self.dotted & (lengths <= 24)
            self._check_fractions(words, np.flatnonzero(fractions), starts, lengths, point)
            rest = np.flatnonzero(longer & ~fractions)
            point = np.where(self.dotted, point, lengths)
            self._read_on(words, rest, starts[rest], lengths[rest], head[rest], point[rest])
        self.ok &= (lengths > self.dotted) & (self.dotted | (lengths <= 18))
        if self.low is self.high:
            np.negative(self.low, out=self.low, where=negative)
        elif signed:
            self.low, self.high = np.where(negative, -self.high, self.low), np.where(negative, -self.low, self.high)

    def _check_fractions(self, words: Words, which: Ints, starts: Ints, lengths: Ints, point: Ints) -> None:
        """Check the bytes after the eighth where the dot is before them: they only add to the eighth place."""
        starts, lengths = starts[which], lengths[which]
        sizes = np.minimum(lengths - 8, 8)
        odd = _odd(first_words(words, starts + 8, sizes) ^ _ALL_ZEROS.take(sizes))
        tails = np.flatnonzero(lengths > 16)
        odd[tails] |= _odd(words_at(words, starts[tails] + lengths[tails] - 8) ^ _ASCII_ZEROS)
        self.ok[which] = odd == 0
        self.high[which] += _POWERS[point[which]] * 1.000001e-7

    def _read_on(self, words: Words, longer: Ints, starts: Ints, lengths: Ints, head: Words, point: Ints) -> None:
        """Check the bytes after the eighth; the next eight digits are counted in, those after them are left to the
        bounds.
        """
        dotted, ok = self.dotted[longer], lengths <= NUMBER_BYTES_MAX
        fraction = head * 1e-8
        for offset in range(8, NUMBER_BYTES_MAX, 8):
            part = np.flatnonzero(ok & (lengths > offset))
            if not len(part):
                break
            rest = np.minimum(lengths[part] - offset, 8)
            digits, dots, dot_at, fine = _digits(first_words(words, starts[part] + offset, rest), rest)
            if offset == 8:
                fraction[part] += _parsed(digits) * np.where(dotted[part], 1e-15, 1e-16)
            ok[part] = fine & ~(dots & dotted[part])
            point[part] = np.where(dots, dot_at + offset, point[part])
            dotted[part] |= dots
        scale = _POWERS[np.minimum(point, NUMBER_BYTES_MAX)]
        middle = fraction * scale
        slack = (fraction * 1e-14 + np.where(lengths > 16, 1e-14, 0.0)) * scale
        self.low[longer], self.high[longer] = middle - slack, middle + slack
        self.dotted[longer], self.ok[longer] = dotted, ok


def _odd(digits: Words) -> Words:
    """Return the high bit of each byte that is over 9."""
    odd = digits + _U(0x7676767676767676)
    odd |= digits
    odd &= _HIGH_BITS
    return odd


def short_whole_numbers(first: Words, lengths: Ints) -> tuple[Words, Mask]:
    """Say which values are one to eight digits and no more, with words whose order is that of the numbers."""
    sizes = np.minimum(lengths, 8)
    digits = first ^ _ALL_ZEROS.take(sizes)
    ok = (_odd(digits) == 0) & (lengths <= 8) & (lengths > 0)
    digits <<= _SHIFTS.take(sizes)
    return digits.byteswap(inplace=True), ok


def whole_number_of(order: Words) -> Floats:
    """Return the numbers of words that `short_whole_numbers` gave."""
    return _parsed(order.byteswap()).astype(np.float64)


def _digits(word: Words, sizes: Ints) -> tuple[Words, Mask, NDArray[np.uint8], Mask]:
    """Split words of digits around a dot: the digits' values without it, whether there is one, at which byte (8: none),
    and whether all else is digits.
    """
    values = word ^ _ALL_ZEROS.take(sizes)
    odd = _odd(values)
    if not odd.any():
        return values, np.zeros(len(word), np.bool_), np.full(len(word), 8, np.uint8), np.ones(len(word), np.bool_)
    odd_bytes = np.bitwise_count(odd)
    place = odd >> _U(7)
    ok = (odd_bytes <= 1) & ((values & (place * _U(0xFF))) == place * _DOT)
    place -= _U(1)  # all bits below the dot's byte, or all
    after = values >> _U(8)
    values ^= after
    values &= place
    values ^= after
    return values, odd_bytes > 0, np.bitwise_count(place) >> 3, ok


def _parsed(digits: Words) -> Words:
    """Return the number that eight bytes of digits write, the first one lowest (Lemire's multiplications, on whole
    arrays).
    """
    pairs = digits * _U(10)
    pairs += digits >> _U(8)
    fours = pairs & _U(0x000000FF000000FF)
    fours *= _U(100 + (1_000_000 << 32))
    pairs >>= _U(16)
    pairs &= _U(0x000000FF000000FF)
    pairs *= _U(1 + (10_000 << 32))
    fours += pairs
    fours >>= _U(32)
    return fours


def long_exponents(words: Words, starts: Ints, lengths: Ints, first: Words) -> Mask:
    """Say which values have an E as their first letter, with an exponent of nine digits or more: all values that begin
    as a number with such an exponent, and few others. Of long values only the beginning is looked at.
    """
    found = np.zeros(lengths.shape, np.bool_)
    which = np.flatnonzero(((first & _U(0xFF)) < _U(_BEFORE_LETTERS)) & (lengths > 11))
    at, rest = starts.ravel()[which], lengths.ravel()[which]
    for _ in range(0, KEYED_BYTES_MAX, 8):
        if not len(which):
            break
        word = first_words(words, at, rest)
        letters = ((word & ~_HIGH_BITS) + _U(0x80 - _BEFORE_LETTERS) * _LOW_BITS | word) & _HIGH_BITS
        letter = letters & (~letters + _U(1))  # the high bit of the first one's byte, or nothing
        place = np.bitwise_count(letter - _U(1)) >> 3
        marks = ((word | _LOW_BITS * _U(0x20)) >> (place.astype(_U) << _U(3))) & _U(0xFF) == _U(ord("e"))
        marked = np.flatnonzero(marks & (letter != 0))
        digits = words_at(words, at[marked] + place[marked] + 2)  # after the first digit, or its sign
        found.ravel()[which[marked[_odd(digits ^ _ASCII_ZEROS) == 0]]] = True
        more = (letter == 0) & (rest > 8)
        at, rest, which = at[more] + 8, rest[more] - 8, which[more]
    found.ravel()[which] = True
    return found


_DAYS_MAX = 40
_DAYS = np.zeros(20 * _DAYS_MAX, np.bool_)  # by month and day: those of every year
for _month in range(1, 13):
    _DAYS[_month * _DAYS_MAX + 1 :][: monthrange(2023, _month)[1]] = True


def iso_dates(words: Words, starts: Ints, lengths: Ints, first: Words) -> tuple[Mask, Mask]:
    """Say which values are plain ISO dates (2024-01-31) and which are date-times to the minute or second (2024-01-31
    10:00:00): days of the calendar but those of February 29th, and seconds but the sixtieth, which must be read.
    """
    second = first_words(words, starts + 8, np.maximum(lengths - 8, 0))
    days = _DAYS.take(_two_digits(first, 5) * _U(_DAYS_MAX) + _two_digits(second, 0), mode="clip")
    days &= _within(first, b"0000-00-", b"9999-19-") & ((first & _KEEP[4]) != _ALL_ZEROS[4])  # there is no year 0
    dates = days & (lengths == 10) & _within(second, b"00", b"39")
    if lengths.max(initial=0) <= 10:
        return dates, np.zeros(lengths.shape, np.bool_)
    third = first_words(words, starts + 16, np.maximum(lengths - 16, 0))
    separator = (second >> _U(16)) & _U(0xFF)
    timed = _within(second, b"00 00:00", b"39T29:59") & (_two_digits(second, 3) < _U(24))
    timed &= (separator == _U(ord(" "))) | (separator == _U(ord("T")))
    timed &= (lengths == 16) | ((lengths == 19) & _within(third, b":00", b":59"))
    return dates, days & timed


def _two_digits(words: Words, place: int) -> Words:
    """Return the number that the two bytes at a place write, if they are digits."""
    digits = words >> _U(8 * place)
    return (digits & _U(0xF)) * _U(10) + ((digits >> _U(8)) & _U(0xF))


def _within(words: Words, low: bytes, high: bytes) -> Mask:
    """Say in which words every byte lies between those of two bounds; bytes must be ASCII."""
    lowest, highest = _U(word_of(low)), _U(word_of(high))
    fits = ((words | _HIGH_BITS) - lowest) & ((highest | _HIGH_BITS) - (words & ~_HIGH_BITS)) & ~words
    within: Mask = (fits & _HIGH_BITS) == _HIGH_BITS
    return within
