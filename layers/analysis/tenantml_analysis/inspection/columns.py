"""What is in a column: exact state, which only some values can change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from tenantml_analysis.inspection.values import DATED, NUMERIC, Forms, Kind, Values, read, read_all

CATEGORY_CHARACTERS_MAX = 100
LEANING_VALUES = 16  # the first so many values tell what a column leans to
ODD_ROWS_IN = 20  # a column leans no more when it is odd in more rows than its first values and one in so many
ODD_VALUES_MAX = 1_000

TEXT, UNDECIDED = 0, -1


@dataclass(frozen=True, slots=True)
class Place:
    """A value, and the 1-based line where its row starts."""

    line: int
    value: bytes


class Column:
    """What the values of one column have been so far.

    By its first values a column leans to numbers (`NUMERIC`), to dates (`DATED`) or to neither (`TEXT`). As long as it
    leans to one, `odd` are its values of another kind and `odd_rows` counts their rows. `firsts` has the first place of
    each kind of value, and of each set of forms that a date has.
    """

    def __init__(self, name: str, distinct_max: int):
        self.name = name
        self.rows = 0
        self.nulls = 0
        self.kinds = 0
        self.low: int | float | None = None
        self.high: int | float | None = None
        self.values: set[bytes] = set()
        self.capped = False
        self.firsts: dict[int | Forms, Place] = {}
        self.leaning = UNDECIDED
        self.odd: set[bytes] = set()
        self.odd_rows = 0
        self._first_values: list[bytes] = []
        self._distinct_max = distinct_max

    def add(self, values: Collection[bytes]) -> Values:
        """Take in values that are not missing, and say what they are; to take one in again changes nothing."""
        if not values:
            return Values(0, [], {})
        added = read_all(values)
        self.kinds |= added.kinds
        if added.numbers:
            self.widen(min(added.numbers))
            self.widen(max(added.numbers))
        if not self.capped:
            self.values.update(values)
            if len(self.values) > self._distinct_max:
                self.stop_counting()
        return added

    def place(self, added: Values, values: Sequence[bytes], rows: Sequence[int], line_of: Callable[[int], int]) -> None:
        """Note where what was added came first: `values` are those of some rows, in order; `line_of` gives a row's
        line.
        """
        for group in added.groups.keys() - self.firsts.keys():
            of_group = set(added.groups[group])
            at = next(at for at, value in enumerate(values) if value in of_group)
            self.firsts[group] = Place(line_of(rows[at]), values[at])

    def weigh(self, added: Values, values: Sequence[bytes], rows: Sequence[int]) -> None:
        """Count the rows whose values are odd; `rows` are their numbers in the file."""
        if self.leaning == UNDECIDED:
            count = LEANING_VALUES - len(self._first_values)
            self._first_values += values[:count]
            if len(self._first_values) < LEANING_VALUES:
                return
            values, rows = values[count:], rows[count:]
            self._decide()
            self._first_values.clear()
        if self.leaning == TEXT:
            return
        for kind, group in added.groups.items():
            if isinstance(kind, int) and not kind & self.leaning:
                self.odd.update(group)
        for row in compress(rows, map(self.odd.__contains__, values)) if self.odd else ():
            self.odd_rows += 1
            if self.odd_rows > LEANING_VALUES + row // ODD_ROWS_IN or len(self.odd) > ODD_VALUES_MAX:
                self.leaning = TEXT
                self.odd.clear()
                return

    def _decide(self) -> None:
        for family in (NUMERIC, DATED):
            if not self.kinds & family:
                continue
            odd = (
                [value for value in self._first_values if not read(value).kind & family] if self.kinds & ~family else []
            )
            if 2 * len(odd) < LEANING_VALUES:
                self.leaning, self.odd, self.odd_rows = family, set(odd), len(odd)
                return
        self.leaning = TEXT

    def widen(self, number: int | float) -> None:
        """Take in a number of a kind that the column is known to hold."""
        self.low = number if self.low is None else min(self.low, number)
        self.high = number if self.high is None else max(self.high, number)

    def stop_counting(self) -> None:
        """Forget the values of a column that has more of them than are counted."""
        self.capped = True
        self.values.clear()

    @property
    def held(self) -> int:
        """How many rows have a value."""
        return self.rows - self.nulls

    @property
    def constant(self) -> bool:
        """Whether every row is the same, with a value or without."""
        return not self.capped and len(self.values) + bool(self.nulls) <= 1

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

    @property
    def forms(self) -> dict[Forms, int]:
        """The forms of the dates, each with the line of its first date; two forms together where no date tells which
        of them it is.
        """
        places = sorted((place.line, forms) for forms, place in self.firsts.items() if isinstance(forms, tuple))
        certain = {form for _, forms in places if len(forms) == 1 for form in forms}
        return {forms: line for line, forms in places if len(forms) == 1 or not certain.intersection(forms)}

    def first_but(self, family: int) -> Place | None:
        """Return the first place of a value that is not of a family of kinds."""
        others = [place for kind, place in self.firsts.items() if isinstance(kind, int) and not kind & family]
        return min(others, key=lambda place: place.line, default=None)

    def describe(self, *, show_values: bool) -> dict[str, Any]:
        """Return the column's part of the profile; `show_values` is off for what looks like personal data."""
        description: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "nulls": self.nulls,
            "distinct": self._distinct_max if self.capped else len(self.values),
            "distinct_capped": self.capped,
            "constant": self.constant and not self.nulls,
        }
        if self.numeric and show_values:
            low, high = self.low, self.high
            if self.type == "number" and low is not None and high is not None:
                low, high = float(low), float(high)
            description |= {"min": low, "max": high, "finite": not self.kinds & Kind.NOT_FINITE}
        if self.type in ("date", "datetime"):
            description["form"] = _form(list(self.forms))
        if self.type in ("category", "boolean") and show_values:
            description["categories"] = sorted(shown(value) for value in self.values)
        return description


def _form(forms: list[Forms]) -> str | list[str] | None:
    """Return the form of a column's dates: null where no date tells it, a list where there are several."""
    if len(forms) == 1:
        return forms[0][0] if len(forms[0]) == 1 else None
    return [form for alike in forms for form in alike]


def shown(value: bytes) -> str:
    """Return a value as its reader sees it, doubled quotes undone."""
    return value.replace(b'""', b'"').decode()
