"""What a single value is: the definition that every faster way has to agree with.

Values are the bytes of a field as written, with doubled quotes. Spaces around a number, date or boolean do not count.
"""

from __future__ import annotations

import re
from enum import IntFlag
from math import isinf

# What pandas, and so AutoGluon, reads as missing: `keep_default_na` of pandas.read_csv.
NULLS = frozenset(
    b"|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split(b"|")
)
INTEGER_DIGITS_MAX = 18  # fits a signed 64-bit integer


class Kind(IntFlag):
    """What a value can be; a column's kinds are those of all its values together."""

    INTEGER = 1
    NUMBER = 2
    NOT_FINITE = 4
    BOOLEAN = 8
    DATE = 16
    DATETIME = 32
    OTHER = 64


NUMERIC = Kind.INTEGER | Kind.NUMBER | Kind.NOT_FINITE

_NUMBER = re.compile(rb"[+-]?(?:(\d+)|(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)")
_NOT_FINITE = re.compile(rb"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_BOOLEAN = re.compile(rb"true|false", re.IGNORECASE)
_DAY = rb"(?:\d{4}-[01]\d-[0-3]\d|\d{4}/[01]?\d/[0-3]?\d|[0-3]?\d/[0-3]?\d/\d{4}|[0-3]?\d\.[01]?\d\.\d{4})"
_DATE = re.compile(_DAY)
_DATETIME = re.compile(_DAY + rb"[ T][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?")


def kind_of(value: bytes) -> Kind:
    """Return the one kind of a value that is not null; `NOT_FINITE` also for a number too large for a double."""
    value = value.strip(b" \t")
    found = _NUMBER.fullmatch(value)
    if found:
        if found[1] and len(found[1]) <= INTEGER_DIGITS_MAX:
            return Kind.INTEGER
        return Kind.NOT_FINITE if isinf(float(value)) else Kind.NUMBER
    if (value[-1:].isalpha() and value.isalpha()) or value[:1] in b"+-":
        if _BOOLEAN.fullmatch(value):
            return Kind.BOOLEAN
        return Kind.NOT_FINITE if _NOT_FINITE.fullmatch(value) else Kind.OTHER
    if not value[:1].isdigit():
        return Kind.OTHER
    if _DATE.fullmatch(value):
        return Kind.DATE
    return Kind.DATETIME if _DATETIME.fullmatch(value) else Kind.OTHER


def number_of(value: bytes) -> int | float:
    """Return the number that a value of kind `INTEGER` or `NUMBER` writes."""
    return int(value) if kind_of(value) is Kind.INTEGER else float(value)
