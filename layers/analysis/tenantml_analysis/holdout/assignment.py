"""The assignment of an upload's rows to training and holdout, block by block and in bounded memory.

Only rows that may be held out are kept back; all others go to training at once. What is kept back follows a rule
(`tenantml_analysis.holdout.rule`) that changes where bounds ask for it: when the holdout outgrows them the threshold
falls to half; at the end training gets back what it lacks to its minimum, in all and of each class.
"""

from __future__ import annotations

import numpy as np

from tenantml_analysis.holdout.rule import HoldoutRule
from tenantml_analysis.inspection.words import Ints, Mask, Words

REPEATED_SHARE = 0.05  # of the most rows: a hash of more rows goes to training, lest it push out all others
_HIGHEST = np.uint64(2**64 - 1)


class Assignment:
    """Decides which rows of an upload are held out; `first` says that the model was never trained by a rule."""

    def __init__(self, rule: HoldoutRule, *, first: bool, rows_max: int, bytes_max: int):
        self._rule = rule
        self._first = first
        self._rows_max, self._bytes_max = rows_max, bytes_max
        self._hashes: Words = np.zeros(0, np.uint64)  # of the rows that are kept back, as are the next two
        self._strata: Ints = np.zeros(0, np.int64)
        self._sizes: Ints = np.zeros(0, np.int64)
        self._totals: Ints = np.zeros(0, np.int64)  # labelled rows by stratum
        self._lowest: Words = np.zeros(0, np.uint64)  # hash by stratum, of those that may be held out

    def keep_back(self, hashes: Words, strata: Ints, sizes: Ints) -> Mask:
        """Say which of the next rows to keep back, after all that are kept back already; the others go to training.

        `strata` has each row's class, negative for a row without a target; `sizes` its bytes.
        """
        labelled = strata >= 0
        self._count(strata[labelled])
        kept = self._rule.holds(hashes) & labelled
        if self._first:
            kept |= self._lowest_of_each(hashes, strata, labelled)
        self._hashes = np.append(self._hashes, hashes[kept])
        self._strata = np.append(self._strata, strata[kept])
        self._sizes = np.append(self._sizes, sizes[kept])
        return kept

    def thin(self) -> Mask:
        """Say which of the rows that are kept back stay so, within the bounds; the others go to training now."""
        every = np.ones(len(self._hashes), np.bool_)
        if not self._outgrown(every):
            return every
        unique, counts = np.unique(self._hashes, return_counts=True)
        self._rule = self._rule.pinning(to_training=unique[counts > REPEATED_SHARE * self._rows_max].tolist())
        while self._outgrown(stay := self._rule.holds(self._hashes)) and self._rule.threshold:
            self._rule = HoldoutRule.following(self._rule, self._rule.columns, self._rule.fraction / 2)
        if self._outgrown(stay):
            self._rule = self._rule.pinning(to_training=self._rule.to_holdout)
            stay = self._rule.holds(self._hashes)
        if self._first:
            self._lowest[:] = _HIGHEST
            stay |= self._lowest_of_each(self._hashes, self._strata, every)
        self._hashes, self._strata, self._sizes = self._hashes[stay], self._strata[stay], self._sizes[stay]
        return stay

    def finish(self, *, classes: bool, min_training_rows: int, class_rows_min: int) -> tuple[Mask, HoldoutRule]:
        """Say which of the rows that are kept back are the holdout, and return the rule for the next training.

        `classes` says that strata are classes: of each, training keeps `class_rows_min` rows and the holdout gets one
        if there is another. The rule, and no row, is what is to be stored.
        """
        if classes and self._first:
            self._rule = self._rule.pinning(to_holdout=self._only_chances(class_rows_min))
        held = self._rule.holds(self._hashes)
        returned = self._returned(held, min_training_rows, class_rows_min if classes else 0)
        rule = self._rule.pinning(to_training=returned)
        return rule.holds(self._hashes), rule

    def _count(self, strata: Ints) -> None:
        counts = np.bincount(strata, minlength=len(self._totals))
        new = len(counts) - len(self._totals)
        self._totals = np.append(self._totals, np.zeros(new, np.int64)) + counts
        self._lowest = np.append(self._lowest, np.full(new, _HIGHEST))

    def _lowest_of_each(self, hashes: Words, strata: Ints, labelled: Mask) -> Mask:
        """Say which rows have the lowest hash of their stratum so far: the one to hold out if no other is."""
        rows = np.flatnonzero(labelled & self._rule.may_hold(hashes))
        np.minimum.at(self._lowest, strata[rows], hashes[rows])
        lowest = np.zeros(len(hashes), np.bool_)
        lowest[rows] = hashes[rows] == self._lowest[strata[rows]]
        return lowest

    def _outgrown(self, stay: Mask) -> bool:
        return int(stay.sum()) > self._rows_max or int(self._sizes[stay].sum()) > self._bytes_max

    def _only_chances(self, class_rows_min: int) -> list[int]:
        """Return the lowest hash of each class of which no row is held out, if training has enough without it."""
        held = self._rule.holds(self._hashes)
        none = np.bincount(self._strata[held], minlength=len(self._totals)) == 0
        repeats = np.bincount(self._strata[self._hashes == self._lowest[self._strata]], minlength=len(self._totals))
        chances = none & (self._totals - repeats >= class_rows_min) & (repeats > 0)
        lowest: list[int] = self._lowest[chances].tolist()
        return lowest

    def _returned(self, held: Mask, min_training_rows: int, class_rows_min: int) -> set[int]:
        """Return the hashes that go back to training: the highest ones first, each with all of its rows."""
        hashes, strata = self._hashes[held], self._strata[held]
        training = self._totals - np.bincount(strata, minlength=len(self._totals))
        order = np.argsort(hashes, kind="stable")[::-1]
        unique, firsts = np.unique(hashes[order], return_index=True)
        groups = np.split(strata[order], np.sort(firsts)[1:]) if len(order) else []
        returned = set()
        for number, group in zip(unique[::-1].tolist(), groups, strict=True):
            lacks = training.sum() < min_training_rows or bool((training[group] < class_rows_min).any())
            if lacks:
                returned.add(number)
                training += np.bincount(group, minlength=len(training))
        return returned
