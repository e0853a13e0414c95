"""What a single value is, in bytes: `tenantml.domain.meaning` says it, and every faster way has to agree.

Values are the bytes of a field as written, with doubled quotes: no number, boolean, date or null word holds any.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from math import isinf
from typing import Final

from tenantml.domain import meaning

NULLS = frozenset(word.encode() for word in meaning.NULL_WORDS)
_BLANKS = meaning.BLANKS.encode()


class Kind:
    """What a value can be, as bits: a column's kinds are those of all its values together (plain integers: they are
    many).
    """

    INTEGER: Final = 1
    NUMBER: Final = 2
    NOT_FINITE: Final = 4
    BOOLEAN: Final = 8
    DATE: Final = 16
    DATETIME: Final = 32
    OTHER: Final = 64
    UNREADABLE: Final = 128  # to the reader inside training: `tenantml.domain.meaning.is_unreadable`


NUMERIC: Final = Kind.INTEGER | Kind.NUMBER | Kind.NOT_FINITE
DATED: Final = Kind.DATE | Kind.DATETIME

Forms = tuple[str, ...]
"""The forms in which a date is a day of the calendar: two where its day and month can change places."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a value that is not missing is: its one kind, its number if it is finite, its forms if it is a date."""

    kind: int
    number: int | float | None = None
    forms: Forms = ()


@dataclass(frozen=True, slots=True)
class Values:
    """What values are together: their kinds, the finite numbers among them, and the values by kind and by forms."""

    kinds: int
    numbers: list[int | float]
    groups: dict[int | Forms, list[bytes]]


def is_missing(value: bytes) -> bool:
    """Say whether a value is empty, of blanks alone, or a word for a missing one."""
    return value in NULLS or not value.strip(_BLANKS)


def read(value: bytes) -> Value:
    """Read a value that is not missing; a number too large for a double is not finite."""
    text = value.decode()
    number = meaning.number_of(text)
    if isinstance(number, int):
        return Value(Kind.INTEGER, number)
    if meaning.is_unreadable(text):
        return Value(Kind.UNREADABLE)
    if number is not None:
        return Value(Kind.NOT_FINITE) if isinf(number) else Value(Kind.NUMBER, number)
    if meaning.boolean_of(text) is not None:
        return Value(Kind.BOOLEAN)
    date = meaning.date_of(text)
    if date is None:
        return Value(Kind.OTHER)
    orders = (date.form, meaning.MONTH_FIRST.get(date.form, date.form))
    forms = tuple(form for form in dict.fromkeys(orders) if date.is_day_of(form))
    return Value(Kind.DATETIME if date.time else Kind.DATE, forms=forms)


def read_all(values: Collection[bytes]) -> Values:
    """Read values of which none is missing: what `read` says of each, faster for plain numbers."""
    joined = b",".join(values)
    if not joined.translate(None, b"0123456789.,-") and len(max(values, key=len)) <= meaning.WHOLE_DIGITS:
        with contextlib.suppress(ValueError):  # such as 1.2.3, 1-2, or a comma inside a value
            return _plain_numbers(list(values))
    kinds = 0
    numbers: list[int | float] = []
    groups: dict[int | Forms, list[bytes]] = {}
    for value in values:
        cell = read(value)
        kinds |= cell.kind
        groups.setdefault(cell.kind, []).append(value)
        if cell.forms:
            groups.setdefault(cell.forms, []).append(value)
        if cell.number is not None:
            numbers.append(cell.number)
    return Values(kinds, numbers, groups)


def _plain_numbers(values: list[bytes]) -> Values:
    whole = [value for value in values if b"." not in value]
    if len(whole) == len(values):
        return Values(Kind.INTEGER, list(map(int, values)), {Kind.INTEGER: values})
    numbers: list[int | float] = list(map(float, values))
    if not whole:
        return Values(Kind.NUMBER, numbers, {Kind.NUMBER: values})
    return Values(Kind.NUMBER | Kind.INTEGER, numbers, {Kind.NUMBER: values, Kind.INTEGER: whole})
