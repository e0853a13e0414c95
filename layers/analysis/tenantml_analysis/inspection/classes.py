"""The target: its values as classes, and which problem they make."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenantml.errors import (
    RareClass,
    SingleClass,
    TargetEmpty,
    TargetMismatch,
    TargetNotFinite,
    TooFewRows,
    TooManyClasses,
)
from tenantml_analysis.inspection.columns import Column, shown
from tenantml_analysis.inspection.known_keys import nulls_in
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.split import UNLABELLED
from tenantml_analysis.inspection.values import NULLS, Kind, kind_and_number, kind_of
from tenantml_analysis.inspection.words import KEYED_BYTES_MAX, Ints, Words, first_words, keys_of, word_of

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
_UNKNOWN = -2
_NANS = np.array([word_of(value) for value in NULLS if value and kind_of(value) == Kind.NOT_FINITE], np.uint64)
STRATA_MAX = 256  # the first so many values of the target are split each on its own, all others together


class Target:
    """Counts the target's values and gives each row its stratum for the split."""

    def __init__(self, position: int, settings: InspectionSettings):
        self._position = position
        self._settings = settings
        self._room = max(settings.classes_max + 1, STRATA_MAX)
        self._codes: dict[bytes, int] = {}  # the first so many values, in order of appearance
        self._counts: Ints = np.zeros(0, np.int64)  # rows per code
        self._key_codes: dict[int, int] = {}
        self._keys: Words = np.zeros(0, np.uint64)  # sorted, beside their codes
        self._codes_of_keys: Ints = np.zeros(0, np.int64)
        self._first_nan: int | None = None
        self.labelled_rows = 0

    def add(self, rows: Rows) -> Ints:
        """Take in a block of rows; returns each row's stratum, or `UNLABELLED` for a row without a target."""
        starts = rows.value_starts[:, self._position]
        lengths = rows.value_ends[:, self._position] - starts
        words = rows.words
        first = first_words(words, starts, lengths)
        nulls = nulls_in(first, lengths)
        if self._first_nan is None and nulls.any():
            nans = np.flatnonzero(nulls & np.isin(first, _NANS))
            self._first_nan = rows.line_of(int(nans[0])) if len(nans) else None
        keys = keys_of(words, starts, lengths, first)
        codes = self._known_codes(keys, lengths)
        codes[nulls] = UNLABELLED
        unknown = self._to_learn(codes, lengths)
        batch = 64  # few values or many: look at some, then at those that are still unknown
        while len(unknown):
            self._learn(rows, unknown[:batch], keys, lengths, codes)
            rest = unknown[batch:]
            codes[rest] = self._known_codes(keys[rest], lengths[rest])
            unknown = rest[self._to_learn(codes[rest], lengths[rest])]
            batch *= 4
        counts = np.bincount(codes[codes >= 0], minlength=len(self._codes))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        codes[codes == _UNKNOWN] = STRATA_MAX
        self.labelled_rows += int(np.count_nonzero(codes != UNLABELLED))
        return np.minimum(codes, STRATA_MAX)

    def _to_learn(self, codes: Ints, lengths: Ints) -> Ints:
        return np.flatnonzero((codes == _UNKNOWN) & ((lengths > KEYED_BYTES_MAX) | (len(self._codes) < self._room)))

    def _known_codes(self, keys: Words, lengths: Ints) -> Ints:
        if not len(self._keys):
            return np.full(len(keys), _UNKNOWN)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = (self._keys[places] == keys) & (lengths <= KEYED_BYTES_MAX)
        return np.where(known, self._codes_of_keys[places], _UNKNOWN)

    def _learn(self, rows: Rows, unknown: Ints, keys: Words, lengths: Ints, codes: Ints) -> None:
        """Give values that were not seen before a code each, while there is room."""
        for row in unknown.tolist():
            value = rows.value(row, self._position)
            code = self._codes.get(value)
            if code is None and len(self._codes) < self._room:
                code = self._codes[value] = len(self._codes)
                if lengths[row] <= KEYED_BYTES_MAX:
                    self._key_codes[int(keys[row])] = code
            codes[row] = _UNKNOWN if code is None else code
        if len(self._codes) == self._room:  # too many to be classes: only strata still count
            self._key_codes = {key: code for key, code in self._key_codes.items() if code < STRATA_MAX}
        self._keys = np.array(sorted(self._key_codes), np.uint64)
        self._codes_of_keys = np.array([self._key_codes[int(key)] for key in self._keys], np.int64)

    def conclude(self, column: Column) -> dict[str, Any]:
        """Return the target's part of the profile: problem type, where it is from, classes with counts (null for
        regression).

        Raises:
            TargetEmpty, TargetNotFinite, TooFewRows, SingleClass, TargetMismatch, TooManyClasses, RareClass: in this
            order.
        """
        name, wanted = column.name, self._settings.problem_type
        not_finite = [line for line in (self._first_nan, column.first_not_finite) if line]
        if not_finite and column.numeric:
            raise TargetNotFinite(
                "the target is a number and this row's is not finite; remove the rows whose target is infinite or NaN",
                line=min(not_finite),
                column=name,
            )
        if not self.labelled_rows:
            raise TargetEmpty(
                "the target has no value in any row; fill it, or name another column as the model's target", column=name
            )
        if self.labelled_rows < self._settings.min_training_rows:
            raise TooFewRows(
                f"{self.labelled_rows:,} rows have a target, Autopilot trains on {self._settings.min_training_rows:,} "
                "or more; "
                "upload all rows in one file",
            )
        classes = self._classes(column)
        if classes is not None and len(classes) == 1:
            raise SingleClass(
                "the target is the same in every row, so there is nothing to predict; add rows of other classes",
                column=name,
            )
        problem_type = wanted or self._guess(column, classes)
        self._check(problem_type, column, classes)
        return {
            "column": name,
            "problem_type": problem_type,
            "problem_type_from": "settings" if wanted else "data",
            "labelled_rows": self.labelled_rows,
            "classes": None
            if problem_type == REGRESSION or classes is None
            else [
                {"value": value, "rows": count}
                for value, count in sorted(classes.items(), key=lambda item: (-item[1], item[0]))
            ],
        }

    def _classes(self, column: Column) -> dict[str, int] | None:
        """Return rows per class, or None when there are too many; numbers that are equal are one class however they are
        written.
        """
        if len(self._codes) > self._settings.classes_max:
            return None
        classes: dict[Any, list[Any]] = {}
        for value, count in zip(self._codes, self._counts.tolist(), strict=True):
            entry = classes.setdefault(kind_and_number(value)[1] if column.numeric else value, [shown(value), 0])
            entry[1] += count
        return dict(classes.values())

    def _guess(self, column: Column, classes: dict[str, int] | None) -> str:
        """Autopilot's rule: two values are binary, texts and few whole numbers are multiclass, other numbers are
        regression.
        """
        if classes is not None and len(classes) == 2:
            return BINARY
        if not column.numeric:
            return MULTICLASS
        few = classes is not None and len(classes) <= self._settings.whole_number_classes_max
        return MULTICLASS if few and all(float(value).is_integer() for value in classes or ()) else REGRESSION

    def _check(self, problem_type: str, column: Column, classes: dict[str, int] | None) -> None:
        name = column.name
        if problem_type == REGRESSION:
            if not column.numeric:
                raise TargetMismatch(
                    "the model's problem type is regression and the target holds texts; change one of them", column=name
                )
            return
        if classes is None:
            raise TooManyClasses(
                f"the target has more than {self._settings.classes_max:,} different values; choose another target, "
                "or the problem type regression if it is a number",
                column=name,
            )
        if problem_type == BINARY and len(classes) != 2:
            raise TargetMismatch(
                f"the model's problem type is binary and the target has {len(classes):,} classes", column=name
            )
        rare = {value: count for value, count in classes.items() if count < self._settings.class_rows_min}
        if rare:
            raise RareClass(
                f"{len(rare):,} of {len(classes):,} classes have fewer than {self._settings.class_rows_min} rows; add "
                "rows of them, "
                "remove them, or choose the problem type regression if the target is a quantity",
                column=name,
            )
