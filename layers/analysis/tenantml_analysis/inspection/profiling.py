"""The profile of all columns: whole-array tests pick the few values that can change what is known, and those are read
exactly.

A value is *news* unless it is missing, or a known value of a column whose distinct values are still counted, or a
plain number in a column that leans to numbers (which at most widens the range), or a plain date in one that leans to
dates, or in a column of text, of which nothing more is asked than whether training can read it. The odd values of a
column that leans are always news: their rows are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from tenantml_analysis.inspection.cell_arrays import Block, Cells
from tenantml_analysis.inspection.columns import TEXT, UNDECIDED, Column
from tenantml_analysis.inspection.known_keys import KnownKeys
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.values import DATED, NUMERIC, Kind
from tenantml_analysis.inspection.words import (
    KEYED_BYTES_MAX,
    Floats,
    Ints,
    Mask,
    PlainNumbers,
    iso_dates,
    long_exponents,
    short_whole_numbers,
    whole_number_of,
)

ISO = "YYYY-MM-DD"
SORTED_ROWS = 128  # of a file: most columns of no categories have more values in these than are counted
FIRST_ROWS = 16  # whose values are all news; few of the next ones are, in columns of categories
_REMEMBERED = 32_768  # values in all, and some in every column


class Columns:
    """All columns of a dataset."""

    def __init__(self, names: list[str], distinct_max: int):
        self.columns = [Column(name, distinct_max) for name in names]
        self._distinct_max = distinct_max
        self._nulls = np.zeros(len(names), np.int64)
        self._known = KnownKeys(len(names))
        self._keys: list[set[int]] = [set() for _ in names]
        self._remembered: list[set[bytes]] = [set() for _ in names]
        self._counting = np.arange(len(names))  # columns whose distinct values are still counted
        self._whole = self._numeric = self._dated = self._text = np.zeros(0, np.int64)  # the others, by what they hold
        self._other = self._text
        self._kinds = np.zeros(len(names), np.int64)
        self._leanings = np.full(len(names), UNDECIDED)
        self._iso = np.zeros(len(names), np.bool_)  # which columns hold dates of this form
        self._low = np.full(len(names), np.inf)
        self._high = np.full(len(names), -np.inf)
        self._rows = 0

    def add(self, rows: Rows) -> None:
        """Take in a block of rows."""
        edges: list[int | None] = [0, None]
        if not self._rows:
            self._stop_counting(Block(rows, slice(SORTED_ROWS)).of(self._counting))
            edges = [0, FIRST_ROWS, SORTED_ROWS, None]
        for first, end in pairwise(edges):
            self._add(rows, slice(first, end))
        self._rows += len(rows.starts)

    def conclude(self) -> list[Column]:
        """Return the columns, complete."""
        for column, nulls in zip(self.columns, self._nulls.tolist(), strict=True):
            column.rows, column.nulls = self._rows, nulls
        return self.columns

    def _add(self, rows: Rows, part: slice) -> None:
        block = Block(rows, part)
        if not len(block.starts):
            return
        if block.missing.any():
            self._nulls += np.count_nonzero(block.missing, axis=1)
        for columns, test in (
            (self._counting, self._new_values),
            (self._whole, self._new_whole_numbers),
            (self._numeric, self._new_numbers),
            (self._dated, self._new_dates),
            (self._text, self._unreadable_values),
            (self._other, self._all_values),
        ):
            if len(columns):
                cells = block.of(columns)
                news = test(cells) & ~cells.missing
                if news.any():
                    self._read(rows, part.start or 0, cells, news)

    def _stop_counting(self, cells: Cells) -> None:
        """Tell by the keys alone which columns have more distinct values than are counted, before any is read."""
        keys = np.sort(np.where(cells.missing, np.uint64(0), cells.keys), axis=1)
        distinct = np.count_nonzero(np.diff(keys, axis=1), axis=1) + 1 - cells.missing.any(axis=1)
        many = cells.columns[distinct > self._distinct_max].tolist()
        for number in many:
            self.columns[number].stop_counting()
        self._sort(many, counting=True)

    def _new_values(self, cells: Cells) -> Mask:
        return ~self._known.hold(cells.keys, cells.columns[:, None]) | (cells.lengths > KEYED_BYTES_MAX)

    def _all_values(self, cells: Cells) -> Mask:
        return ~cells.missing

    def _unreadable_values(self, cells: Cells) -> Mask:
        return long_exponents(cells.words, cells.starts, cells.lengths, cells.first)

    def _new_whole_numbers(self, cells: Cells) -> Mask:
        order, ok = short_whole_numbers(cells.first, cells.lengths)
        each = np.arange(len(ok))
        highest = np.where(ok, order, np.uint64(0)).argmax(axis=1)
        lowest = np.where(ok, order, ~np.uint64(0)).argmin(axis=1)
        for outermost in (highest, lowest):
            numbers = whole_number_of(order[each, outermost])
            outside = (numbers < self._low[cells.columns]) | (numbers > self._high[cells.columns])
            for i in np.flatnonzero(ok[each, outermost] & outside).tolist():
                self._widen(int(cells.columns[i]), int(numbers[i]))
        news = np.zeros(ok.shape, np.bool_)
        strange = np.flatnonzero(
            (~ok & ~cells.missing).any(axis=1)
        )  # columns with signs, dots, texts, or over eight digits
        if len(strange):
            news[strange] = self._new_numbers(cells.of(strange))
        return news

    def _new_numbers(self, cells: Cells) -> Mask:
        found = PlainNumbers(cells.words, cells.starts.ravel(), cells.lengths.ravel(), cells.first.ravel())
        shape = cells.first.shape
        ok, dotted = found.ok.reshape(shape), found.dotted.reshape(shape)
        low, high = found.low.reshape(shape), found.high.reshape(shape)
        news = ~ok
        whole = self._kinds[cells.columns, None] & Kind.NUMBER == 0
        if whole.any():
            news |= dotted & whole
        news |= self._lowest(cells.columns, ok, dotted, low, high)
        news |= self._lowest(cells.columns, ok, dotted, -high, -low, sign=-1)
        return news

    def _lowest(self, columns: Ints, ok: Mask, dotted: Mask, low: Floats, high: Floats, sign: int = 1) -> Mask:
        """Widen columns by the lowest of their numbers, each of which lies between two bounds; where that is not known
        exactly, return which may be it. With the numbers' signs turned: by the highest.
        """
        news = np.zeros(ok.shape, np.bool_)
        edges = (self._low if sign == 1 else -self._high)[columns]
        for i in np.flatnonzero(low.min(axis=1) < edges).tolist():
            lows = np.where(ok[i], low[i], np.inf)
            lowest = int(lows.argmin())
            if lows[lowest] == high[i, lowest] and self._kinds[columns[i]]:
                number = sign * float(lows[lowest])
                self._widen(int(columns[i]), number if dotted[i, lowest] else int(number))
            else:
                # Of all that lie outside the range only those that may be the outermost: ids that count upwards would
                # all be.
                news[i] = (lows < edges[i]) & (lows <= high[i][ok[i]].min(initial=np.inf))
        return news

    def _widen(self, column: int, number: int | float) -> None:
        self.columns[column].widen(number)
        self._low[column] = min(self._low[column], number)
        self._high[column] = max(self._high[column], number)

    def _new_dates(self, cells: Cells) -> Mask:
        dates, times = iso_dates(cells.words, cells.starts, cells.lengths, cells.first)
        kinds = self._kinds[cells.columns, None]
        known: Mask = (dates & (kinds & Kind.DATE != 0)) | (times & (kinds & Kind.DATETIME != 0))
        return ~(known & self._iso[cells.columns, None])

    def _read(self, rows: Rows, offset: int, cells: Cells, news: Mask) -> None:
        """Read the news exactly, column by column and in order."""
        at_column, at_row = np.nonzero(news)
        counting = cells.columns is self._counting
        starts = cells.all_starts[at_row, cells.columns[at_column]]
        places = list(zip(starts.tolist(), (starts + cells.lengths[at_column, at_row]).tolist(), strict=True))
        keys = cells.keys[at_column, at_row].tolist() if counting else []
        edges = np.append(np.flatnonzero(np.diff(at_column, prepend=-1)), len(at_column)).tolist()
        changed = []
        for first, end in pairwise(edges):
            number = int(cells.columns[at_column[first]])
            values, at = [rows.values[a:b] for a, b in places[first:end]], (offset + at_row[first:end]).tolist()
            column, fresh = self.columns[number], set(values) - self._remembered[number]
            added = column.add(fresh)
            column.place(added, values, at, rows.line_of)
            column.weigh(added, values, [self._rows + row for row in at])
            if counting:
                self._keys[number].update(_known(keys[first:end], values, column))
            else:
                self._remember(number, fresh)
            changed.append(number)
        self._sort(changed, counting=counting)

    def _remember(self, number: int, values: set[bytes]) -> None:
        """Keep some values at hand whose column gives no other way to know them; bounded over all columns together."""
        remembered = self._remembered[number]
        if len(remembered) + len(values) > max(SORTED_ROWS, _REMEMBERED // len(self.columns)):
            remembered.clear()
        remembered.update(value for value in values if len(value) <= KEYED_BYTES_MAX)

    def _sort(self, changed: list[int], *, counting: bool) -> None:
        """Decide how the next values of changed columns are tested."""
        before = self._kinds.copy(), self._leanings.copy()
        for number in changed:
            column = self.columns[number]
            self._kinds[number], self._leanings[number] = column.kinds, column.leaning
            self._iso[number] = (ISO,) in column.firsts
            if column.low is not None and column.high is not None:
                self._low[number], self._high[number] = float(column.low), float(column.high)
            if column.capped and counting:
                self._keys[number].clear()
        if counting:
            self._known.replace({number: keys for number in changed if (keys := self._keys[number])})
            self._counting = np.array([n for n in self._counting if not self.columns[n].capped], np.int64)
        elif np.array_equal(before, (self._kinds, self._leanings)):
            return
        leanings = self._leanings.copy()
        leanings[self._counting] = TEXT
        whole = (leanings == NUMERIC) & (self._kinds & NUMERIC == Kind.INTEGER)
        text = leanings == TEXT
        text[self._counting] = False
        unread = text & (self._kinds & Kind.OTHER == 0)
        self._whole, self._numeric = np.flatnonzero(whole), np.flatnonzero((leanings == NUMERIC) & ~whole)
        self._dated = np.flatnonzero(leanings == DATED)
        self._text = np.flatnonzero(text & ~unread & (self._kinds & Kind.UNREADABLE == 0))
        self._other = np.flatnonzero(unread | (leanings == UNDECIDED))


def _known(keys: list[int], values: list[bytes], column: Column) -> Iterable[int]:
    """Return the keys of values that are no news from now on."""
    if column.leaning == UNDECIDED:
        return ()
    return [key for key, value in zip(keys, values, strict=True) if value not in column.odd] if column.odd else keys
