"""Cells: the values of a prediction request, checked against their column's type and brought into the form of training.

A converter takes a value that is not null and returns the text that training would have read; a misfit is a ValueError.
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

Converter = Callable[[Any], str]
NUMBERS = ("integer", "number")

# fmt: off
NULL_WORDS = frozenset((
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
))
# fmt: on
"""Texts that training reads as missing (pandas.read_csv, keep_default_na): categories neither seen nor unseen."""

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SAFE_DIGITS = 18  # a whole number of so many digits, its sign included, has at most 64 bits
_FINITE_DIGITS = 300  # and this many digits without an exponent are a finite number
# What Python's float takes beyond the two patterns above needs another character than these (and commas), or more.
_CHARACTERS = {"integer": (b",-0123456789", _SAFE_DIGITS), "number": (b",-0123456789.eE+", _FINITE_DIGITS)}
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


def convert(values: Sequence[Any], column: Column, form: Form) -> Sequence[Any]:
    """Return the column's values as the endpoint gets them, null as nothing: numbers in bytes, as the fields of CSV
    that they are, and all else as texts, which `fields` makes of.

    Raises:
        InvalidValue: names the row (1-based) and column of the first that does not fit, and what is expected there.
    """
    at_once = form.at_once(values, column.type)
    if at_once is not None:
        return at_once
    converter = _boolean(column.categories) if column.type == "boolean" else form.converters[column.type]
    converted: list[str] = []
    try:
        for value in values:
            converted.append("" if value is None else converter(value))  # noqa: PERF401 - its length says which row failed
    except ValueError:
        row = len(converted) + 1
        sent = _SENT_AS.get(type(values[row - 1]), "an object or list")
        message = f"expected {_EXPECTED[column.type]}, or null; got {sent}"
        raise InvalidValue(message, row=row, column=column.name) from None
    return [text.encode() for text in converted] if column.type in NUMBERS else converted


def fields(texts: Sequence[str]) -> list[bytes]:
    """Return texts as fields of CSV in UTF-8, quoted where they must be.

    Raises:
        ValueError: one of them holds what no CSV file can: NUL, or half a character.
    """
    joined = "\0".join(texts)
    if joined.count("\0") >= len(texts):
        raise ValueError("a text holds a NUL")
    if '"' in joined or "," in joined or "\n" in joined or "\r" in joined:
        return [_quoted(text).encode() for text in texts]
    return joined.encode().split(b"\0")


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if doubled != text or "," in text or "\n" in text or "\r" in text else text


# The common case of a column in a few passes of C, which takes a fifth of the time; None says nothing yet.


def _json_at_once(values: Sequence[Any], column_type: str) -> Sequence[bytes] | Sequence[str] | None:
    if column_type not in NUMBERS:
        return _texts_at_once(values, column_type)
    try:
        joined = b",".join(values)  # only numbers can be joined so
    except TypeError:
        if not set(map(type, values)) <= {JsonNumber, NoneType}:
            return None
        values = [value or b"" for value in values]
        joined = b",".join(values)
    # JSON's own grammar leaves open how large a number is, and whether it is whole.
    if max(map(len, values)) > _CHARACTERS[column_type][1] or (column_type == "integer" and b"." in joined):
        return None
    if b"e" not in joined and b"E" not in joined:
        return values
    return values if column_type == "number" and all(map(math.isfinite, map(float, filter(None, values)))) else None


def _csv_at_once(values: Sequence[Any], column_type: str) -> Sequence[bytes] | Sequence[str] | None:
    if column_type not in NUMBERS:
        return _texts_at_once(values, column_type)
    joined = ",".join(values).encode()
    found = joined.split(b",")
    characters, longest = _CHARACTERS[column_type]
    if len(found) != len(values) or joined.translate(None, characters) or max(map(len, found)) > longest:
        return None
    try:
        return found if all(map(math.isfinite, map(float, filter(None, found)))) else None
    except ValueError:  # a sign, a point or an exponent alone, or a sign in the middle
        return None


def _texts_at_once(values: Sequence[Any], column_type: str) -> Sequence[str] | None:
    if column_type not in ("text", "category"):
        return None
    kinds = set(map(type, values))
    if not kinds <= {str, NoneType}:
        return None
    return [value or "" for value in values] if NoneType in kinds else values


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


@dataclass(frozen=True, slots=True)
class Form:
    """How a form of request writes its values: what converts one of a column's type, and what a whole column."""

    at_once: Callable[[Sequence[Any], str], Sequence[bytes] | Sequence[str] | None]
    converters: dict[str, Converter]


JSON = Form(_json_at_once, _TEXTS | {"integer": _json_number(_whole), "number": _json_number(_number)})
"""Numbers are numbers there, never text."""

CSV = Form(_csv_at_once, _TEXTS | {"integer": _whole, "number": _number})
"""All fields are text."""
