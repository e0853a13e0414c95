"""The assignment of an upload's rows to training and holdout, block by block and in bounded memory.

Only rows that may be held out are kept back; all others go to training at once. What is kept back follows the model's
rule (`tenantml.domain.training.holdout_rule`), which changes where bounds ask for it: when the holdout outgrows them
the threshold falls to half; at the end training gets back what it lacks to its minimum, in all and of each class. Which
rows are held out depends on the rows alone, not on their order or how they come in blocks.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from itertools import groupby

import numpy as np

from tenantml.domain.training.holdout_rule import HoldoutRule
from tenantml_analysis.inspection.words import Ints, Mask, Words

REPEATED_SHARE = 0.05  # of the most rows: a hash of more rows goes to training, lest it push out all others
BY_CHANCE = (
    5  # standard deviations by which the holdout may be larger than its share; beyond, few hashes have many rows
)
CHANCE_ROWS_MAX = 20  # a class whose lowest hash has more rows is not so rare that one of them is held out for its sake
_HIGHEST = np.uint64(2**64 - 1)


class Assignment:
    """Decides which rows of an upload are held out; `first` says that the model was never trained by such a rule."""

    def __init__(self, rule: HoldoutRule, *, first: bool, rows_max: int, bytes_max: int):
        self._rule = rule
        self._first = first
        self._rows_max, self._bytes_max = rows_max, bytes_max
        self._repeats_max = max(1, int(REPEATED_SHARE * rows_max))
        self._hashes: Words = np.zeros(0, np.uint64)  # of the rows that are kept back, as are the next two
        self._strata: Ints = np.zeros(0, np.int64)
        self._sizes: Ints = np.zeros(0, np.int64)
        self._repeated: dict[int, int] = {}  # bytes of the first rows of hashes that have too many
        self._totals: Ints = np.zeros(0, np.int64)  # labelled rows by stratum
        self._lowest: Words = np.zeros(0, np.uint64)  # hash by stratum
        self._frequent: set[int] = set()  # those of them that have too many rows to be kept back for their class

    def keep_back(self, hashes: Words, strata: Ints, sizes: Ints) -> Mask:
        """Say which of the next rows to keep back, after all that are kept back already; the others go to training.

        `strata` has each row's class, negative for a row without a target; `sizes` its bytes.
        """
        labelled = strata >= 0
        self._count(strata[labelled])
        kept = holds(self._rule, hashes) & labelled
        if self._first and len(self._lowest):
            low = np.flatnonzero(labelled & (hashes <= self._lowest.take(strata, mode="clip")))  # of few rows
            np.minimum.at(self._lowest, strata[low], hashes[low])
            chances = hashes[low] == self._lowest[strata[low]]
            kept[low] |= chances & ~_among(hashes[low], self._frequent)
        self._hashes = np.append(self._hashes, hashes[kept])
        self._strata = np.append(self._strata, strata[kept])
        self._sizes = np.append(self._sizes, sizes[kept])
        return kept

    def thin(self) -> Mask:
        """Say which of the rows that are kept back stay so, within the bounds; the others go to training now."""
        if not self._outgrown(self._sizes):
            return np.ones(len(self._hashes), np.bool_)
        self._set_repeated_aside()
        while self._outgrown(self._sizes[stay := holds(self._rule, self._hashes)]) and self._rule.threshold:
            self._rule = replace(self._rule, threshold=self._rule.threshold // 2)
        if self._outgrown(self._sizes[stay]):
            self._rule = self._rule.pinning(to_training=self._rule.to_holdout)
            stay = holds(self._rule, self._hashes)
        stay |= self._chances()
        self._hashes, self._strata, self._sizes = self._hashes[stay], self._strata[stay], self._sizes[stay]
        return stay

    def finish(self, *, classes: bool, min_training_rows: int, class_rows_min: int) -> tuple[Mask, Words, HoldoutRule]:
        """Say which of the rows that are kept back are the holdout; return their hashes, and the rule for the next
        training.

        `classes` says that strata are classes: of each, training keeps `class_rows_min` rows and the holdout gets one
        if there is another. The rule, and no row, is what is to be stored.
        """
        self._set_repeated_aside()
        if classes:
            self._rule = self._rule.pinning(to_holdout=self._only_chances(class_rows_min))
        self._rule = self._rule.pinning(to_training=self._beyond_chance())
        returned = self._returned(min_training_rows, class_rows_min if classes else 0)
        self._rule = self._rule.pinning(to_training=returned)
        held = holds(self._rule, self._hashes)
        return held, self._hashes[held], self._rule

    def _count(self, strata: Ints) -> None:
        counts = np.bincount(strata, minlength=len(self._totals))
        new = len(counts) - len(self._totals)
        self._totals = np.append(self._totals, np.zeros(new, np.int64)) + counts
        self._lowest = np.append(self._lowest, np.full(new, _HIGHEST))

    def _outgrown(self, sizes: Ints) -> bool:
        """Say whether rows of these sizes, and as many as are allowed of those set aside, are more than the bounds
        allow.
        """
        aside = [size for number, size in self._repeated.items() if number < self._rule.threshold]
        rows = len(sizes) + self._repeats_max * len(aside)
        return rows > self._rows_max or int(sizes.sum()) + sum(aside) > self._bytes_max

    def _set_repeated_aside(self) -> None:
        """Have the rows of a hash that has too many go to training."""
        held = holds(self._rule, self._hashes)
        hashes, sizes = self._hashes[held], self._sizes[held]
        unique, counts = _counted(hashes)
        for number in unique[counts > self._repeats_max]:
            self._repeated[int(number)] = int(sizes[hashes == number][: self._repeats_max].sum())
        self._rule = self._rule.pinning(to_training=self._repeated)

    def _chances(self) -> Mask:
        """Say which rows have the lowest hash of their class, and few others with them: in the first training they are
        held out if no other of their class is.
        """
        if not self._first:
            return np.zeros(len(self._hashes), np.bool_)
        lowest = self._hashes == self._lowest[self._strata]
        unique, counts = _counted(self._hashes[lowest])
        self._frequent.update(unique[counts > CHANCE_ROWS_MAX].tolist())
        chances: Mask = lowest & ~_among(self._hashes, self._frequent)
        if int(self._sizes[chances].sum()) > self._bytes_max:  # classes of huge rows
            self._first = False
            return self._chances()
        return chances

    def _only_chances(self, class_rows_min: int) -> list[int]:
        """Return the lowest hash of each class of which no row is held out, if training has enough without it and the
        holdout has room.
        """
        held = np.bincount(self._strata[holds(self._rule, self._hashes)], minlength=len(self._totals))
        chances = np.bincount(self._strata[self._chances()], minlength=len(self._totals))
        only = np.flatnonzero((held == 0) & (chances > 0) & (self._totals - chances >= class_rows_min))
        only = only[np.argsort(self._lowest[only])]
        room = np.cumsum(chances[only]) <= self._rows_max - held.sum()
        lowest: list[int] = self._lowest[only[room]].tolist()
        return lowest

    def _beyond_chance(self) -> list[int]:
        """Return the hashes of the most rows, without which the holdout has about its share of the rows."""
        share, total = self._rule.fraction, int(self._totals.sum())
        hashes = self._hashes[holds(self._rule, self._hashes)]
        unique, counts = _counted(hashes)
        most = share * total + BY_CHANCE * math.sqrt(share * (1 - share) * total) + len(self._rule.to_holdout) + 1
        heaviest = np.lexsort((unique, -counts))
        without = len(hashes) - np.cumsum(counts[heaviest])
        returned: list[int] = unique[heaviest[: int(np.count_nonzero(without > most)) + 1]].tolist()
        return returned if len(hashes) > most else []

    def _returned(self, min_training_rows: int, class_rows_min: int) -> set[int]:
        """Return the hashes that go back to training: the highest ones first, each with all of its rows."""
        held = holds(self._rule, self._hashes)
        hashes, strata = self._hashes[held], self._strata[held]
        training = self._totals - np.bincount(strata, minlength=len(self._totals))
        present = np.flatnonzero(np.bincount(strata))
        returned: set[int] = set()
        order = np.lexsort((strata, hashes))[::-1]
        for number, group in groupby(order.tolist(), key=hashes.tolist().__getitem__):
            lacks_rows = training.sum() < min_training_rows
            if not lacks_rows and not (training[present] < class_rows_min).any():
                break
            of_group = strata[list(group)]
            if lacks_rows or (training[of_group] < class_rows_min).any():
                returned.add(number)
                training += np.bincount(of_group, minlength=len(training))
        return returned


def holds(rule: HoldoutRule, hashes: Words) -> Mask:
    """Say which rows a rule holds out, by their hashes."""
    held = (hashes < np.uint64(rule.threshold)) & ~_among(hashes, rule.to_training)
    return held | _among(hashes, rule.to_holdout)


def _counted(hashes: Words) -> tuple[Words, Ints]:
    """Return the distinct ones, sorted, and their counts (`np.unique` takes 40 ms to import more of numpy)."""
    ordered = np.sort(hashes)
    edges = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, np.int64)
    return ordered[edges], np.diff(np.append(edges, len(ordered)))


def _among(hashes: Words, known: Collection[int]) -> Mask:
    if not known:
        return np.zeros(len(hashes), np.bool_)
    ordered = np.sort(np.fromiter(known, np.uint64, len(known)))
    found: Mask = ordered.take(np.searchsorted(ordered, hashes), mode="clip") == hashes
    return found
