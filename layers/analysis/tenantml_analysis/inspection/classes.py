"""The target: its values as classes, and which problem they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenantml.domain.meaning import label_key, names_alike
from tenantml.errors import (
    DatasetError,
    RareClass,
    SingleClass,
    TargetEmpty,
    TargetMismatch,
    TargetNotFinite,
    TooFewRows,
    TooManyClasses,
)
from tenantml_analysis.inspection.almost import Almost
from tenantml_analysis.inspection.columns import Column, Place, shown
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.split import UNLABELLED
from tenantml_analysis.inspection.values import NUMERIC, Kind
from tenantml_analysis.inspection.words import KEYED_BYTES_MAX, Ints, Words, value_of

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
_UNKNOWN = -2
_NANS = {b"NaN", b"nan", b"-NaN", b"-nan"}
STRATA_MAX = 256  # the first so many values of the target are split each on its own, all others together


@dataclass
class Class:
    """A class, or a word for a missing label: how it is first written, its rows, and the line of the first."""

    value: str
    rows: int
    line: int


class Target:
    """Counts the target's values and gives each row its stratum for the split."""

    def __init__(self, position: int, settings: InspectionSettings):
        self._position = position
        self._settings = settings
        self._room = max(settings.classes_max + 1, STRATA_MAX)
        self._codes: dict[bytes, int] = {}  # the first so many values, in order of appearance
        self._lines: list[int] = []  # of the first row of each
        self._counts: Ints = np.zeros(0, np.int64)  # rows per code
        self._key_codes: dict[int, int] = {}
        self._keys: Words = np.zeros(0, np.uint64)  # sorted, beside their codes
        self._codes_of_keys: Ints = np.zeros(0, np.int64)
        self._first_missing: Place | None = None
        self.null_words: dict[bytes, Class] = {}
        self.rows = 0
        self.labelled_rows = 0

    def add(self, rows: Rows) -> Ints:
        """Take in a block of rows; returns each row's stratum, or `UNLABELLED` for a row without a target."""
        keys, lengths = rows.keys[:, self._position].copy(), rows.lengths[:, self._position].copy()
        missing = rows.missing[:, self._position]
        if missing.any():
            self._note_missing(rows, np.flatnonzero(missing), rows.first[:, self._position])
        codes = self._known_codes(keys, lengths)
        codes[missing] = UNLABELLED
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
        self.rows += len(codes)
        self.labelled_rows += int(np.count_nonzero(codes != UNLABELLED))
        return np.minimum(codes, STRATA_MAX)

    def _note_missing(self, rows: Rows, missing: Ints, first: Words) -> None:
        """Count the words for a missing value among the labels; those that are empty or blank are meant so."""
        if self._first_missing is None:
            row = int(missing[0])
            self._first_missing = Place(rows.line_of(row), rows.value(row, self._position))
        words = missing[(first[missing] != 0) & ~rows.blanks[missing, self._position]]
        for word, at, count in zip(*np.unique(first[words], return_index=True, return_counts=True), strict=True):
            value = value_of(int(word))
            noted = self.null_words.setdefault(value, Class(shown(value), 0, rows.line_of(int(words[at]))))
            noted.rows += int(count)

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
                self._lines.append(rows.line_of(row))
                if lengths[row] <= KEYED_BYTES_MAX:
                    self._key_codes[int(keys[row])] = code
            codes[row] = _UNKNOWN if code is None else code
        if len(self._codes) == self._room:  # too many to be classes: only strata still count
            self._key_codes = {key: code for key, code in self._key_codes.items() if code < STRATA_MAX}
        self._keys = np.array(sorted(self._key_codes), np.uint64)
        self._codes_of_keys = np.array([self._key_codes[int(key)] for key in self._keys], np.int64)

    def conclude(self, column: Column, almost: Almost | None) -> dict[str, Any]:
        """Return the target's part of the profile: problem type, where it is from, classes with counts (null for
        regression). `almost` is what the target almost is.

        Raises:
            TargetNotFinite, TargetEmpty, TooFewRows, SingleClass, TargetMismatch, TooManyClasses, RareClass: in this
            order.
        """
        name, chosen = column.name, self._settings.problem_type
        self._refuse_not_finite(column)
        self._refuse_few_rows(name)
        classes = self.classes = self._classes(column)
        if classes is not None and len(classes) == 1:
            raise SingleClass(
                "the target is the same in every row, so there is nothing to predict; add rows of other classes",
                line=classes[0].line,
                column=name,
                sample=redacted(classes[0].value.encode()),
            )
        problem_type = chosen or self._guess(column, classes)
        self._check(problem_type, column, classes, almost)
        if problem_type == REGRESSION:
            self.classes = None
        return {
            "column": name,
            "problem_type": problem_type,
            "problem_type_from": "settings" if chosen else "data",
            "labelled_rows": self.labelled_rows,
            "classes": None
            if self.classes is None
            else [
                {"value": label.value, "rows": label.rows}
                for label in sorted(self.classes, key=lambda label: (-label.rows, label.value))
            ],
        }

    def _refuse_not_finite(self, column: Column) -> None:
        line = self._first_not_finite(column)
        if line is not None and column.numeric:
            raise TargetNotFinite(
                "the target is a number and this row's is not finite; remove the rows whose target is infinite or NaN",
                line=line,
                column=column.name,
            )

    def _first_not_finite(self, column: Column) -> int | None:
        lines = [word.line for value, word in self.null_words.items() if value in _NANS]
        if infinite := column.firsts.get(Kind.NOT_FINITE):
            lines.append(infinite.line)
        return min(lines, default=None)

    def _refuse_few_rows(self, name: str) -> None:
        least, labelled = self._settings.min_training_rows, self.labelled_rows
        if not labelled:
            raise TargetEmpty(
                f"the target has no value in any row{self._read_as_missing}; fill it, or name another column as the "
                "model's target",
                column=name,
            )
        if labelled >= least:
            return
        needed = f"Autopilot trains on {least:,} or more"
        missing = self._first_missing
        if missing is None:
            raise TooFewRows(f"the file has {labelled:,} rows, {needed}; upload all rows in one file")
        filled = "fill it" if self.rows >= least else "fill it, and upload all rows in one file"
        raise TooFewRows(
            f"{labelled:,} of {self.rows:,} rows have a target{self._read_as_missing}, {needed}; {filled}. This row is "
            "the first without",
            line=missing.line,
            column=name,
            sample=redacted(missing.value) or None,
        )

    @property
    def _read_as_missing(self) -> str:
        """The most frequent word for a missing label: whoever has a class of that name must know."""
        word = max(self.null_words.values(), key=lambda word: word.rows, default=None)
        return f" ({word.value!r} in {word.rows:,} is read as missing; rename the class, if it is one)" if word else ""

    def _classes(self, column: Column) -> list[Class] | None:
        """Return the classes by their meaning, in the order of their first rows, or None when there are too many."""
        if len(self._codes) > self._settings.classes_max:
            return None
        numeric, boolean = column.numeric, column.type == "boolean"
        classes: dict[object, Class] = {}
        for value, count, line in zip(map(shown, self._codes), self._counts.tolist(), self._lines, strict=True):
            key = label_key(value, numeric=numeric, boolean=boolean)
            classes.setdefault(key, Class(value, 0, line)).rows += count
        return list(classes.values())

    def _guess(self, column: Column, classes: list[Class] | None) -> str:
        """Autopilot's rule: two values are binary, texts and few whole numbers are multiclass, other numbers are
        regression.
        """
        if classes is not None and len(classes) == 2:
            return BINARY
        if not column.numeric:
            return MULTICLASS
        few = classes is not None and len(classes) <= self._settings.whole_number_classes_max
        return MULTICLASS if few and all(float(label.value).is_integer() for label in classes or ()) else REGRESSION

    def _check(self, problem_type: str, column: Column, classes: list[Class] | None, almost: Almost | None) -> None:
        """Refuse a target that does not fit the problem type; what it almost is says why, and what to do."""

        def refusal(kind: type[DatasetError], message: str, place: Class | Place | None) -> DatasetError:
            if almost is not None:
                not_finite = self._first_not_finite(column) if almost.what == "number" else None
                message = "the target " + almost.message(needs_rows=self._settings.min_training_rows)
                if not_finite is not None:
                    message += f". Line {not_finite:,} is not finite; correct that, too"
                return kind(message, line=almost.first.line, column=column.name, sample=almost.sample)
            value = place.value if isinstance(place, Place) else place.value.encode() if place else b""
            return kind(message, line=place.line if place else None, column=column.name, sample=redacted(value) or None)

        if problem_type == REGRESSION:
            if not column.numeric:
                message = (
                    "the model's problem type is Regression and the target holds texts, of which this row has the "
                    "first; correct them, or change the problem type"
                )
                raise refusal(TargetMismatch, message, column.first_but(NUMERIC))
            return
        quantity = ", or choose the problem type Regression" if column.numeric else ""
        if classes is None:
            message = (
                f"the target has more than {self._settings.classes_max:,} different values; choose another target"
                f"{quantity}"
            )
            raise refusal(TooManyClasses, message, None)
        rarest = min(classes, key=lambda label: (label.rows, -label.line))
        rare = [label for label in classes if label.rows < self._settings.class_rows_min]
        if problem_type == BINARY and len(classes) != 2:
            message = (
                f"the model's problem type is BinaryClassification and the target has {len(classes):,} classes"
                f"{self._alike(classes)}; this row is the first of {rarest.rows:,} of the rarest. Correct the "
                "classes, or change the problem type"
            )
            raise refusal(TargetMismatch, message, rarest)
        if rare:
            have = "has" if len(rare) == 1 else "have"
            message = (
                f"{len(rare):,} of {len(classes):,} classes {have} fewer than {self._settings.class_rows_min} rows"
                f"{self._alike(classes)}; this row has the first. Add rows of them"
                f"{self._removal(classes, rare)}{quantity}"
            )
            raise refusal(RareClass, message, rare[0])

    def _removal(self, classes: list[Class], rare: list[Class]) -> str:
        """Say that rare classes may be removed, if enough is left without them."""
        left = self.labelled_rows - sum(label.rows for label in rare)
        fits = left >= self._settings.min_training_rows and len(classes) - len(rare) >= 2
        return ", or remove these rows" if fits else ""

    @staticmethod
    def _alike(classes: list[Class]) -> str:
        alike = sum(map(len, names_alike([label.value for label in classes])))
        return f", of which {alike:,} differ in case, blanks or invisible characters only" if alike else ""
