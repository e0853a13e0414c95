"""Cells: the values of a prediction request, checked against their column's type and brought into the form of training.

A converter takes a value and returns what the CSV writer shall write, None or empty text for null; it raises ValueError
for a misfit. Booleans go out in the very words of the training set, numbers without loss.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tenantml.errors import InvalidValue

Converter = Callable[[Any], Any]

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INTEGER_LIMIT = 2**63  # what readers of CSV hold in a column of whole numbers
_WORDS = {True: ("true", "yes", "t", "y", "1"), False: ("false", "no", "f", "n", "0")}
_EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date such as 2026-11-22",
    "datetime": "a time such as 2026-11-22T17:03:01",
    "category": "text",
    "text": "text",
}
_SENT_AS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the training set; `categories` is None when there are none, or too many to list."""

    name: str
    type: str
    categories: frozenset[str] | None = None


def convert(values: Sequence[Any], column: Column, converter: Converter) -> list[Any]:
    """Return the column's values as they go to the endpoint.

    Raises:
        InvalidValue: names the row (1-based) and column of the first that does not fit, and what is expected there.
    """
    if _fits_as_it_is(values, column.type):
        return list(values)
    converted: list[Any] = []
    try:
        for value in values:
            converted.append(converter(value))  # noqa: PERF401 - its length says which row failed
    except ValueError:
        row = len(converted) + 1
        sent = _SENT_AS.get(type(values[row - 1]), "an object")
        expected = _EXPECTED[column.type]
        got = f"this {sent} is none" if sent in {"text", expected} else f"got {sent}"
        raise InvalidValue(f"expected {expected} or null; {got}", row=row, column=column.name) from None
    return converted


def _fits_as_it_is(values: Sequence[Any], column_type: str) -> bool:
    """Decide the common case in a few passes of C; False says nothing yet."""
    plain_types, limit = _PLAIN.get(column_type, (frozenset[type](), None))
    if not plain_types.issuperset(map(type, values)):
        return False
    present = [value for value in values if value is not None] if limit else []
    return not present or bool(-limit <= min(present) and max(present) < limit)


def json_converter(column: Column) -> Converter:
    """Return the converter of a column's JSON values: numbers are numbers there, never text."""
    if column.type == "boolean":
        return _boolean(column.categories)
    converter: Converter = _JSON_CONVERTERS[column.type]
    return converter


def csv_converter(column: Column) -> Converter:
    """Return the converter of a column's CSV fields, all of which are text."""
    if column.type == "boolean":
        return _boolean(column.categories)
    return _CSV_CONVERTERS[column.type]


class NotJson:
    """`NaN`, `Infinity` and `-Infinity`, which Python's JSON parser takes although JSON has no such words."""

    def __init__(self, word: str) -> None:
        self.word = word


def _whole(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise ValueError
    return value


def _number(value: Any) -> int | float | None:
    if value is None:
        return None
    # JSON's 1e999 becomes infinity, and a whole number may have hundreds of digits.
    if type(value) not in (int, float) or not -sys.float_info.max <= value <= sys.float_info.max:
        raise ValueError
    return value  # type: ignore[no-any-return]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError


def _category(value: Any) -> str | None:
    # A category may look like a number, and an app may send it as one.
    return str(_number(value)) if type(value) in (int, float) else _text(value)


def _boolean(words: frozenset[str] | None) -> Converter:
    """Words are those of training, such as `yes` and `no`, or `True.` and `False.`; else JSON's own in any case."""
    written = {truth: _word(truth, words or frozenset()) for truth in (True, False)}

    def convert_boolean(value: Any) -> str | None:
        if value is None or value == "":
            return value  # type: ignore[no-any-return]
        if type(value) is bool:
            return written[value]
        text = str(value) if type(value) is int else value
        if type(text) is not str or not (text in words if words else text.lower() in ("true", "false")):
            raise ValueError
        return text

    return convert_boolean


def _word(truth: bool, words: frozenset[str]) -> str:
    plain = _WORDS[truth]
    return next((word for word in sorted(words) if word.strip(" .").lower() in plain), plain[0])


def _iso(parse: Callable[[str], object]) -> Converter:
    def convert_iso(value: Any) -> str | None:
        text = _text(value)
        if text:
            parse(text)
        return text

    return convert_iso


def _digits(pattern: re.Pattern[str]) -> Converter:
    """The field's own digits go out, so that nothing is rounded on the way."""

    def convert_digits(field: str) -> str:
        text = field.strip(" ")
        if text and not (pattern.fullmatch(text) and math.isfinite(float(text))):
            raise ValueError
        return text

    return convert_digits


_PLAIN: dict[str, tuple[frozenset[type], Any]] = {
    "text": (frozenset({str, type(None)}), None),
    "category": (frozenset({str, type(None)}), None),
    "integer": (frozenset({int, type(None)}), _INTEGER_LIMIT),
    "number": (frozenset({int, float, type(None)}), sys.float_info.max),
}
_TEXTS: dict[str, Converter] = {
    "text": _text,
    "category": _category,
    "date": _iso(date.fromisoformat),
    "datetime": _iso(datetime.fromisoformat),
}
_JSON_CONVERTERS = _TEXTS | {"integer": _whole, "number": _number}
_CSV_CONVERTERS = _TEXTS | {"integer": _digits(_WHOLE), "number": _digits(_DECIMAL)}
