"""The target: its values as classes, and which problem they make."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenantml.domain.inspection.columns import Column, shown
from tenantml.domain.inspection.rows import Rows
from tenantml.domain.inspection.settings import InspectionSettings
from tenantml.domain.inspection.split import UNLABELLED
from tenantml.domain.inspection.values import NULLS, Kind, kind_of, number_of
from tenantml.errors import (
    RareClass,
    SingleClass,
    TargetEmpty,
    TargetMismatch,
    TargetNotFinite,
    TooFewRows,
    TooManyClasses,
)

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
STRATA_MAX = 256  # the first so many values of the target are split each on its own, all others together


class Target:
    """Counts the target's values and gives each row its stratum for the split."""

    def __init__(self, position: int, settings: InspectionSettings):
        self._position = position
        self._settings = settings
        self._counts: Counter[bytes] = Counter()
        self._strata: dict[bytes, int] = {}
        self._first_not_finite: tuple[int, bytes] | None = None
        self._too_many = False
        self.labelled_rows = 0

    def add(self, rows: Rows) -> NDArray[np.int64]:
        """Take in a block of rows; returns each row's stratum, or `UNLABELLED` for a row without a target."""
        strata = np.full(len(rows.starts), UNLABELLED, np.int64)
        for row in range(len(strata)):
            value = rows.value(row, self._position)
            if self._first_not_finite is None and value and kind_of(value) is Kind.NOT_FINITE:
                self._first_not_finite = rows.line_of(row), value
            if value not in NULLS:
                strata[row] = self._stratum(value)
        return strata

    def _stratum(self, value: bytes) -> int:
        self.labelled_rows += 1
        if not self._too_many:
            self._counts[value] += 1
            if len(self._counts) > self._settings.classes_max:
                self._too_many = True
                self._counts.clear()
        if len(self._strata) < STRATA_MAX:
            return self._strata.setdefault(value, len(self._strata))
        return self._strata.get(value, STRATA_MAX)

    def conclude(self, column: Column) -> dict[str, Any]:
        """Return the target's part of the profile: problem type, where it is from, classes with counts (null for regression).

        Raises:
            TargetEmpty, TargetNotFinite, TooFewRows, SingleClass, TargetMismatch, TooManyClasses, RareClass: in this order.
        """
        name, wanted = column.name, self._settings.problem_type
        if self._first_not_finite and column.numeric:
            raise TargetNotFinite(
                "the target is a number and this row's is not finite; remove the rows whose target is infinite or NaN",
                line=self._first_not_finite[0],
                column=name,
            )
        if not self.labelled_rows:
            raise TargetEmpty(
                "the target has no value in any row; fill it, or name another column as the model's target", column=name
            )
        if self.labelled_rows < self._settings.min_training_rows:
            raise TooFewRows(
                f"{self.labelled_rows:,} rows have a target, Autopilot trains on {self._settings.min_training_rows:,} or more; "
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
        """Return rows per class, or None when there are too many; numbers that are equal are one class however they are written."""
        if self._too_many:
            return None
        classes: dict[Any, list[Any]] = {}
        for value, count in self._counts.items():
            entry = classes.setdefault(number_of(value) if column.numeric else value, [shown(value), 0])
            entry[1] += count
        return dict(classes.values())

    def _guess(self, column: Column, classes: dict[str, int] | None) -> str:
        """Autopilot's rule: two values are binary, texts and few whole numbers are multiclass, other numbers are regression."""
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
                f"{len(rare):,} of {len(classes):,} classes have fewer than {self._settings.class_rows_min} rows; add rows of them, "
                "remove them, or choose the problem type regression if the target is a quantity",
                column=name,
            )
