"""What a single value is: the definition that every faster way has to agree with.

Values are the bytes of a field as written, with doubled quotes. Spaces around a number, date or boolean do not count.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from math import isinf
from typing import Final

# What pandas, and so AutoGluon, reads as missing: `keep_default_na` of pandas.read_csv.
NULLS = frozenset(
    b"|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split(b"|")
)
INTEGER_DIGITS_MAX = 18  # fits a signed 64-bit integer


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


NUMERIC: Final = Kind.INTEGER | Kind.NUMBER | Kind.NOT_FINITE
DATED: Final = Kind.DATE | Kind.DATETIME

_NUMBER = re.compile(rb"[+-]?(?:(\d+)|(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)")
_NOT_FINITE = re.compile(rb"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_BOOLEAN = re.compile(rb"true|false", re.IGNORECASE)
_DAY = rb"(?:\d{4}-[01]\d-[0-3]\d|\d{4}/[01]?\d/[0-3]?\d|[0-3]?\d/[0-3]?\d/\d{4}|[0-3]?\d\.[01]?\d\.\d{4})"
_DATE = re.compile(_DAY)
_DATETIME = re.compile(_DAY + rb"[ T][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?")


def kind_of(value: bytes) -> int:
    """Return the one kind of a value that is not null; `NOT_FINITE` also for a number too large for a double."""
    return kind_and_number(value)[0]


def kinds_and_numbers(values: Collection[bytes]) -> tuple[int, list[int | float]]:
    """Return the kinds of values together, and the numbers among them: what `kind_and_number` says of each, faster for
    plain ones.
    """
    joined = b",".join(values)
    if not joined.translate(None, b"0123456789.,-") and len(max(values, key=len)) <= INTEGER_DIGITS_MAX:
        try:
            if b"." not in joined:
                return Kind.INTEGER, list(map(int, values))
            whole = any(b"." not in value for value in values)
            return Kind.NUMBER | (Kind.INTEGER if whole else 0), list(map(float, values))
        except ValueError:  # such as 1.2.3, 1-2, or a comma inside a value
            pass
    kinds, numbers = 0, []
    for value in values:
        kind, number = kind_and_number(value)
        kinds |= kind
        if number is not None:
            numbers.append(number)
    return kinds, numbers


def kind_and_number(value: bytes) -> tuple[int, int | float | None]:
    """Return the kind of a value and, for the kinds `INTEGER` and `NUMBER`, the number that it writes."""
    if value.isdigit() and len(value) <= INTEGER_DIGITS_MAX:
        return Kind.INTEGER, int(value)
    value = value.strip(b" \t")
    found = _NUMBER.fullmatch(value)
    if found is None:
        return _kind_of_text(value), None
    if found[1] and len(found[1]) <= INTEGER_DIGITS_MAX:
        return Kind.INTEGER, int(value)
    number = float(value)
    return (Kind.NOT_FINITE, None) if isinf(number) else (Kind.NUMBER, number)


def _kind_of_text(value: bytes) -> int:
    if _BOOLEAN.fullmatch(value):
        return Kind.BOOLEAN
    if _NOT_FINITE.fullmatch(value):
        return Kind.NOT_FINITE
    if _DATE.fullmatch(value):
        return Kind.DATE
    return Kind.DATETIME if _DATETIME.fullmatch(value) else Kind.OTHER
