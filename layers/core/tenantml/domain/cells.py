"""Cells: the values of a prediction request, checked against their column's type and brought into the form of training.

A converter takes a value that is not null and returns the text that the endpoint gets; a misfit is a ValueError.
Booleans go out in the words of training, numbers in their own digits: nothing is rounded, or parsed only to be printed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from tenantml.errors import InvalidValue

Converter = Callable[[Any], Any]

# fmt: off
NULL_WORDS = frozenset((
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
))
# fmt: on
"""Texts that training reads as missing (pandas.read_csv, keep_default_na): categories neither seen nor unseen."""

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
# What Python's int and float take beyond the two above needs another character than these.
_WHOLE_CHARACTERS = b"0123456789-"
_DECIMAL_CHARACTERS = b"0123456789.eE+-"
_SAFE_DIGITS = 18  # a whole number of so many digits, its sign included, has at most 64 bits
# The forms in which the inspection of the training set takes a date; a test compares them.
_DAY = r"(?:\d{4}-[01]\d-[0-3]\d|\d{4}/[01]?\d/[0-3]?\d|[0-3]?\d/[0-3]?\d/\d{4}|[0-3]?\d\.[01]?\d\.\d{4})"
_TIME = r"[ T][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_DATE = re.compile(_DAY, re.ASCII)
_DATETIME = re.compile(f"{_DAY}(?:{_TIME})?", re.ASCII)
_BLANKS = " \t"  # around a number, a date or a boolean these do not count, in training neither
_EXPECTED = {
    "integer": "a whole number of 64 bits",
    "number": "a finite number",
    "boolean": "true or false",
    "date": "a date such as 2026-11-22",
    "datetime": "a time such as 2026-11-22T17:03:01",
    "category": "text",
    "text": "text",
    "empty": "text or a number",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the training set; `categories` is None when there are none, or too many to list."""

    name: str
    type: str
    categories: frozenset[str] | None = None


def convert(values: Sequence[Any], column: Column, converter: Converter, number_type: type) -> list[Any]:
    """Return the column's values as they go to the endpoint; numbers come as `number_type`, `str` or `JsonNumber`.

    Raises:
        InvalidValue: names the row (1-based) and column of the first that does not fit, and what is expected there.
    """
    at_once = _convert_at_once(values, column.type, number_type)
    if at_once is not None:
        return at_once
    converted: list[Any] = []
    try:
        for value in values:
            converted.append(None if value is None else converter(value))  # noqa: PERF401 - its length says which row failed
    except ValueError:
        row = len(converted) + 1
        sent = _SENT_AS.get(type(values[row - 1]), "an object or list")
        message = f"expected {_EXPECTED[column.type]}, or null; got {sent}"
        raise InvalidValue(message, row=row, column=column.name) from None
    return converted


def _convert_at_once(values: Sequence[Any], column_type: str, number_type: type) -> list[Any] | None:
    """Convert the common case in a few passes of C, which took a third of the time; None says nothing yet."""
    kinds = set(map(type, values))
    if column_type in ("text", "category"):
        return list(values) if kinds <= {str, NoneType} else None
    if column_type not in ("integer", "number") or not kinds <= {number_type, NoneType}:
        return None
    found = values if NoneType not in kinds else [value for value in values if value is not None]
    if number_type is JsonNumber:
        texts = b",".join(found).decode().split(",") if found else []
    else:
        texts = list(filter(None, found))
    if not (_all_whole if column_type == "integer" else _all_finite)(texts):
        return None
    if len(texts) == len(values):
        return texts
    return [value.decode() if type(value) is JsonNumber else value for value in values]


def _all_whole(texts: list[str]) -> bool:
    if "".join(texts).encode().translate(None, _WHOLE_CHARACTERS) or max(map(len, texts), default=0) > _SAFE_DIGITS:
        return False
    try:
        return len(list(map(int, texts))) == len(texts)
    except ValueError:  # a sign alone, or in the middle
        return False


def _all_finite(texts: list[str]) -> bool:
    if "".join(texts).encode().translate(None, _DECIMAL_CHARACTERS):
        return False
    try:
        return all(map(math.isfinite, map(float, texts)))
    except ValueError:  # a sign, a point or an exponent alone
        return False


def json_converter(column: Column) -> Converter:
    """Return the converter of a column's JSON values: numbers are numbers there, never text."""
    if column.type == "boolean":
        return _boolean(column.categories)
    return _JSON_CONVERTERS[column.type]


def csv_converter(column: Column) -> Converter:
    """Return the converter of a column's CSV fields, all of which are text."""
    if column.type == "boolean":
        return _boolean(column.categories)
    return _CSV_CONVERTERS[column.type]


JsonNumber = bytes
"""A number of a JSON document, in its own digits: a type that no other JSON value has, and that C makes of a text."""


class NotJson:
    """`NaN`, `Infinity` and `-Infinity`, which Python's JSON parser takes although JSON has no such words."""

    def __init__(self, word: str) -> None:
        self.word = word


_SENT_AS = {bool: "true or false", JsonNumber: "a number", str: "text", NotJson: "NaN or Infinity"}


def _json_number(of_digits: Converter) -> Converter:
    """What is a number in CSV must be no text in JSON."""

    def convert_json_number(value: Any) -> str:
        if type(value) is not JsonNumber:
            raise ValueError
        return str(of_digits(value.decode()))

    return convert_json_number


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _category(value: Any) -> str:
    # A category may look like a number, and an app may send it as one.
    return value.decode() if type(value) is JsonNumber else _text(value)


def _boolean(words: frozenset[str] | None) -> Converter:
    """Both truths are written as in training, where it may have been `TRUE` or `False`; else as JSON does."""
    written = {"true": "true", "false": "false"} | {word.strip(_BLANKS).lower(): word for word in sorted(words or ())}

    def convert_boolean(value: Any) -> str:
        text = str(value) if type(value) is bool else _text(value)
        if not text:
            return text
        if text.strip(_BLANKS).lower() not in written:
            raise ValueError
        return written[text.strip(_BLANKS).lower()]

    return convert_boolean


def _written_as(pattern: re.Pattern[str]) -> Converter:
    def convert_written(value: Any) -> str:
        text = _text(value)
        if text and not pattern.fullmatch(text.strip(_BLANKS)):
            raise ValueError
        return text

    return convert_written


def _whole(field: str) -> str:
    text = field.strip(_BLANKS)
    whole = text.partition(".")[0]
    # int() itself refuses thousands of digits, as a ValueError.
    if text and not (_WHOLE.fullmatch(text) and -(2**63) <= int(whole) < 2**63):
        raise ValueError
    return whole


def _number(field: str) -> str:
    text = field.strip(_BLANKS)
    if text and not (_DECIMAL.fullmatch(text) and math.isfinite(float(text))):
        raise ValueError
    return text


_TEXTS: dict[str, Converter] = {
    "text": _text,
    "category": _category,
    "empty": _category,  # a column without a value in training: whatever comes, the model ignores it
    "date": _written_as(_DATE),
    "datetime": _written_as(_DATETIME),
}
_CSV_CONVERTERS = _TEXTS | {"integer": _whole, "number": _number}
_JSON_CONVERTERS = _TEXTS | {"integer": _json_number(_whole), "number": _json_number(_number)}
