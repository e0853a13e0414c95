"""The profile of all columns: whole-array tests pick the few values that can change what is known, and those are read
exactly.

A value is *news* unless it is null, or a known value of a column whose distinct values are still counted, or a plain
number within the known range of a column of numbers, or a plain date in a column of dates, or in a column of text,
about which nothing more is asked.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tenantml.domain.inspection.columns import Column
from tenantml.domain.inspection.rows import Rows
from tenantml.domain.inspection.values import DATED, NULLS, NUMERIC, Kind, kind_of
from tenantml.domain.inspection.words import (
    KEYED_BYTES_MAX,
    Ints,
    Mask,
    PlainNumbers,
    Words,
    first_words,
    iso_dates,
    keys_of,
    short_whole_numbers,
    whole_number_of,
    word_of,
)

FIRST_ROWS = 16  # of a file, since all of their values are news; few of the next ones are, in columns of categories
NEXT_ROWS = 128  # after these most other columns have more values than are counted
_REMEMBERED = 32_768  # values in all, and some in every column
_U = np.uint64
Cell = TypeVar("Cell", bound=np.generic)


class KnownKeys:
    """Sets of keys, one per column, that a whole block is looked up in at once: a table without collisions for each
    set.
    """

    def __init__(self, sets: int):
        self._tables: list[Words] = [np.zeros(2, _U)] * sets
        self._factors = np.ones(sets, _U)
        self._shifts = np.full(sets, 63, _U)
        self._join()

    def replace(self, sets: dict[int, set[int]]) -> None:
        """Replace some of the sets."""
        for number, keys in sets.items():
            self._tables[number], self._factors[number], self._shifts[number] = _table(np.array(list(keys), _U))
        self._join()

    def hold(self, keys: Words, numbers: Ints | int) -> Mask:
        """Say which keys are in the set of their number; zero, the key of an empty value, may be said to be in any."""
        slots = ((keys * self._factors[numbers]) >> self._shifts[numbers]).view(np.int64)
        slots += self._offsets[numbers]
        held: Mask = self._joined.take(slots, mode="clip") == keys
        return held

    def _join(self) -> None:
        sizes = np.array([len(table) for table in self._tables])
        self._offsets = np.cumsum(sizes) - sizes
        self._joined = np.concatenate(self._tables)


def _table(keys: Words) -> tuple[Words, np.uint64, np.uint64]:
    """Return a table of keys and the factor and shift that give each key a slot of its own."""
    bits = max(1, int(len(keys) ** 2 // 2).bit_length())
    factor = 0x9E3779B97F4A7C15
    while True:
        for _ in range(8):
            slots = (keys * _U(factor)) >> _U(64 - bits)
            if len(set(slots.tolist())) == len(keys):
                table = np.zeros(1 << bits, _U)
                table[slots.astype(np.int64)] = keys
                return table, _U(factor), _U(64 - bits)
            factor = (factor * 0xD1B54A32D192ED03 + 2) & 0xFFFFFFFFFFFFFFFF | 1
        bits += 1


_NULLS = KnownKeys(1)
_NULLS.replace({0: {word_of(value) for value in NULLS}})


def nulls_in(first: Words, lengths: Ints) -> Mask:
    """Say which values are null; no text for null is longer than a word."""
    return _NULLS.hold(first, 0) & (lengths <= 8)


def by_column(cells: NDArray[Cell]) -> NDArray[Cell]:
    """Return cells of shape (rows, columns) as (columns, rows), laid out so."""
    return np.ascontiguousarray(cells.T)


class Columns:
    """All columns of a dataset."""

    def __init__(self, names: list[str], distinct_max: int):
        self.columns = [Column(name, distinct_max) for name in names]
        self._nulls = np.zeros(len(names), np.int64)
        self._known = KnownKeys(len(names))
        self._keys: list[set[int]] = [set() for _ in names]
        self._remembered: list[set[bytes]] = [set() for _ in names]
        self._counting = np.arange(len(names))  # columns whose distinct values are still counted
        self._whole = self._numeric = self._dated = self._other = np.zeros(0, np.int64)  # the others, by what they hold
        self._kinds = np.zeros(len(names), np.int64)
        self._low = np.full(len(names), np.inf)
        self._high = np.full(len(names), -np.inf)
        self._fresh = True

    def add(self, rows: Rows) -> None:
        """Take in a block of rows."""
        if self._fresh:
            self._fresh = False
            for first, end in ((0, FIRST_ROWS), (FIRST_ROWS, NEXT_ROWS), (NEXT_ROWS, None)):
                self._add(rows, slice(first, end))
        else:
            self._add(rows, slice(None))

    def conclude(self) -> list[Column]:
        """Return the columns, complete."""
        for column, nulls in zip(self.columns, self._nulls.tolist(), strict=True):
            column.nulls = nulls
        return self.columns

    def _add(self, rows: Rows, part: slice) -> None:
        starts, ends = rows.value_starts[part], rows.value_ends[part]
        if not len(starts):
            return
        words = rows.words
        # From here on one row of an array is one column of the file: whole columns are picked and reduced.
        first = by_column(first_words(words, starts, ends - starts))
        lengths, starts = by_column(ends - starts), by_column(starts)
        nulls = nulls_in(first, lengths)
        if nulls.any():
            self._nulls += np.count_nonzero(nulls, axis=1)
        offset = part.start or 0
        for columns, test in (
            (self._counting, self._new_values),
            (self._whole, self._new_whole_numbers),
            (self._numeric, self._new_numbers),
            (self._dated, self._new_dates),
            (self._other, self._all_values),
        ):
            if len(columns):
                whole = slice(None) if len(columns) == len(self.columns) else columns
                at, sizes, null = starts[whole], lengths[whole], nulls[whole]
                news = test(words, at, sizes, first[whole], null, columns) & ~null
                if news.any():
                    self._read(rows, offset, columns, news, at, sizes)

    def _new_values(self, words: Words, starts: Ints, lengths: Ints, first: Words, nulls: Mask, columns: Ints) -> Mask:
        del nulls
        self._last_keys = keys_of(words, starts, lengths, first)
        return ~self._known.hold(self._last_keys, columns[:, None]) | (lengths > KEYED_BYTES_MAX)

    def _all_values(self, words: Words, starts: Ints, lengths: Ints, first: Words, nulls: Mask, columns: Ints) -> Mask:
        del words, starts, lengths, first, columns
        return ~nulls

    def _new_whole_numbers(
        self, words: Words, starts: Ints, lengths: Ints, first: Words, nulls: Mask, columns: Ints
    ) -> Mask:
        order, ok = short_whole_numbers(first, lengths)
        news = np.zeros(starts.shape, np.bool_)
        each = np.arange(len(columns))
        highest = np.where(ok, order, np.uint64(0)).argmax(axis=1)
        lowest = np.where(ok, order, ~np.uint64(0)).argmin(axis=1)
        news[each, highest] = whole_number_of(order[each, highest]) > self._high[columns]
        news[each, lowest] |= whole_number_of(order[each, lowest]) < self._low[columns]
        news &= ok
        strange = np.flatnonzero((~ok & ~nulls).any(axis=1))  # columns with signs, dots, texts, or over eight digits
        if len(strange):
            cells = starts[strange], lengths[strange], first[strange], nulls[strange]
            news[strange] = self._new_numbers(words, *cells, columns[strange])
        return news

    def _new_numbers(self, words: Words, starts: Ints, lengths: Ints, first: Words, nulls: Mask, columns: Ints) -> Mask:
        del nulls
        found = PlainNumbers(words, starts.ravel(), lengths.ravel(), first.ravel())
        ok, dotted, low, high = (part.reshape(starts.shape) for part in (found.ok, found.dotted, found.low, found.high))
        news = ~ok
        whole = self._kinds[columns, None] & Kind.NUMBER == 0
        if whole.any():
            news |= dotted & whole
        # Of all that lie outside the range only those that may be the outermost are news: ids that count upwards would
        # all be.
        lowest, highest = self._low[columns, None], self._high[columns, None]
        if (low.min(axis=1, keepdims=True) < lowest).any():
            news |= (low < lowest) & (low <= np.where(ok, high, np.inf).min(axis=1, keepdims=True))
        if (high.max(axis=1, keepdims=True) > highest).any():
            news |= (high > highest) & (high >= np.where(ok, low, -np.inf).max(axis=1, keepdims=True))
        return news

    def _new_dates(self, words: Words, starts: Ints, lengths: Ints, first: Words, nulls: Mask, columns: Ints) -> Mask:
        del nulls
        dates, times = iso_dates(words, starts, lengths, first)
        kinds = self._kinds[columns, None]
        known: Mask = (dates & (kinds & Kind.DATE != 0)) | (times & (kinds & Kind.DATETIME != 0))
        return ~known

    def _read(self, rows: Rows, offset: int, columns: Ints, news: Mask, starts: Ints, lengths: Ints) -> None:
        """Read the news exactly, column by column and in order."""
        at_column, at_row = np.nonzero(news)
        counting = columns is self._counting
        found = starts[at_column, at_row]
        cells = list(zip(found.tolist(), (found + lengths[at_column, at_row]).tolist(), strict=True))
        keys = self._last_keys[at_column, at_row].tolist() if counting else []
        edges = np.append(np.flatnonzero(np.diff(at_column, prepend=-1)), len(at_column)).tolist()
        changed = []
        for first, end in pairwise(edges):
            number = int(columns[at_column[first]])
            values = [rows.values[a:b] for a, b in cells[first:end]]
            column, fresh = self.columns[number], set(values) - self._remembered[number]
            if column.add(fresh) and column.first_not_finite is None:
                row = next(row for row, value in enumerate(values) if kind_of(value) == Kind.NOT_FINITE)
                column.first_not_finite = rows.line_of(offset + int(at_row[first + row]))
            if counting:
                self._keys[number].update(keys[first:end])
            else:
                self._remember(number, fresh)
            changed.append(number)
        self._sort(changed, counting=counting)

    def _remember(self, number: int, values: set[bytes]) -> None:
        """Keep some values at hand whose column gives no other way to know them; bounded over all columns together."""
        remembered = self._remembered[number]
        if len(remembered) + len(values) > max(NEXT_ROWS, _REMEMBERED // len(self.columns)):
            remembered.clear()
        remembered.update(value for value in values if len(value) <= KEYED_BYTES_MAX)

    def _sort(self, changed: list[int], *, counting: bool) -> None:
        """Decide how the next values of changed columns are tested."""
        kinds_before = self._kinds.copy()
        for number in changed:
            column = self.columns[number]
            self._kinds[number] = column.kinds
            if column.low is not None and column.high is not None:
                self._low[number], self._high[number] = float(column.low), float(column.high)
            if column.capped and counting:
                self._keys[number].clear()
        if counting:
            self._known.replace({number: self._keys[number] for number in changed})
            self._counting = np.array([n for n in self._counting if not self.columns[n].capped], np.int64)
        elif np.array_equal(kinds_before, self._kinds):
            return
        open_ = self._kinds & Kind.OTHER == 0
        open_[self._counting] = False
        numeric = open_ & (self._kinds & ~NUMERIC == 0)
        whole = numeric & (self._kinds == Kind.INTEGER)
        dated = open_ & (self._kinds & ~DATED == 0)
        self._whole, self._numeric = np.flatnonzero(whole), np.flatnonzero(numeric & ~whole)
        self._dated, self._other = np.flatnonzero(dated), np.flatnonzero(open_ & ~numeric & ~dated)
