"""What is in a column: exact state, which only some values can change."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tenantml_analysis.inspection.values import DATED, NUMERIC, Kind, kinds_and_numbers

CATEGORY_CHARACTERS_MAX = 100


class Column:
    """What the values of one column have been so far; adding a value again changes nothing but the nulls."""

    def __init__(self, name: str, distinct_max: int):
        self.name = name
        self.nulls = 0
        self.kinds = 0
        self.low: int | float | None = None
        self.high: int | float | None = None
        self.values: set[bytes] = set()
        self.capped = False
        self.first_not_finite: int | None = None  # line of the file
        self._distinct_max = distinct_max

    def add(self, values: Collection[bytes]) -> bool:
        """Take in values that are not null; says whether one of them is a number that is not finite."""
        if not values:
            return False
        kinds, numbers = kinds_and_numbers(values)
        self.kinds |= kinds
        if numbers:
            self.widen(min(numbers))
            self.widen(max(numbers))
        if not self.capped:
            self.values.update(values)
            if len(self.values) > self._distinct_max:
                self.stop_counting()
        return bool(kinds & Kind.NOT_FINITE)

    def widen(self, number: int | float) -> None:
        """Take in a number of a kind that the column is known to hold."""
        self.low = number if self.low is None else min(self.low, number)
        self.high = number if self.high is None else max(self.high, number)

    def stop_counting(self) -> None:
        """Forget the values of a column that has more of them than are counted."""
        self.capped = True
        self.values.clear()

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        return bool(self.kinds) and not self.kinds & ~NUMERIC

    @property
    def type(self) -> str:
        """The narrowest type that all values have: a column that a single text is in is no number."""
        kinds = self.kinds
        if not kinds:
            return "empty"
        if self.numeric:
            return "integer" if kinds == Kind.INTEGER else "number"
        if kinds == Kind.BOOLEAN:
            return "boolean"
        if not kinds & ~DATED:
            return "date" if kinds == Kind.DATE else "datetime"
        if self.capped or any(len(value) > CATEGORY_CHARACTERS_MAX for value in self.values):
            return "text"
        return "category"

    def describe(self, *, show_values: bool) -> dict[str, Any]:
        """Return the column's part of the profile; `show_values` is off for what looks like personal data."""
        found: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "nulls": self.nulls,
            "distinct": self._distinct_max if self.capped else len(self.values),
            "distinct_capped": self.capped,
            "constant": not self.capped and len(self.values) == 1 and not self.nulls,
        }
        if self.numeric and show_values:
            low, high = self.low, self.high
            if self.type == "number" and low is not None and high is not None:
                low, high = float(low), float(high)
            found |= {"min": low, "max": high, "finite": not self.kinds & Kind.NOT_FINITE}
        if self.type in ("category", "boolean") and show_values:
            found["categories"] = sorted(shown(value) for value in self.values)
        return found


def shown(value: bytes) -> str:
    """Return a value as its reader sees it, doubled quotes undone."""
    return value.replace(b'""', b'"').decode()
