"""Cells: the values of a prediction request, checked against their column and brought into the form of training.

What a text means is `tenantml.domain.meaning`'s to say. A missing cell becomes an empty text; whole numbers are written
plainly, other numbers in their own digits as JSON spells them, booleans in the words of training, dates in the form of
their column; categories and texts stay as they are. A cell means the same in JSON and in CSV.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tenantml.domain.meaning import (
    DAY_FORMS,
    EXPONENT_DIGITS_MAX,
    MONTH_FIRST,
    NULL_WORDS,
    SPACE,
    TIME,
    Date,
    boolean_of,
    date_of,
    day_of,
    is_missing,
    is_past_64_bits,
    is_unreadable,
    number_of,
    whole_number_of,
)
from tenantml.errors import InvalidValue

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_NO_LIMIT = 2**31 - 1
_LONG_EXPONENT = f"a number with an exponent of more than {EXPONENT_DIGITS_MAX} digits"

ISO = "YYYY-MM-DD"
BYTES_MAX = 131_072
"""Of one text, in UTF-8: the pre-flight's limit."""

NUMBERS = ("integer", "number")
_NUMERIC = (*NUMBERS, "category", "text", "empty")  # types that take a number of JSON
_LONG_EXPONENTS = tuple(
    re.compile(f"{e}[+-]?[0-9]{{{EXPONENT_DIGITS_MAX + 1}}}") for e in "eE"
)  # one letter each: fast
_DAY_CHARACTERS = 10  # of most dates, in each form
_TEXT_OR_NULL = {str, type(None)}
_TIME = re.compile(rf"(?:{TIME})?")
_SHAPES = str.maketrans("123456789", "000000000")
"""Makes one text of all dates that are written alike, midnight of the year 0."""
JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# The fields of a column that need no second look: as they leave, but for a whole number's `.0`, and of few enough
# digits to be finite, or to have 64 bits.
_PLAIN = {
    "integer": re.compile(r"(?:(?:0|-?+[1-9][0-9]{0,17}+)(?:\.0)?+)?+(?:,(?:(?:0|-?+[1-9][0-9]{0,17}+)(?:\.0)?+)?+)*+"),
    "number": re.compile(
        "{0}(?:,{0})*+".format(r"(?:-?+(?:0|[1-9][0-9]{0,17}+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]{1,2}+)?+)?+")
    ),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the training set.

    `categories` is None when there are none, or too many to list; `forms` are those of a column of dates, none where
    the order of day and month is not known.
    """

    name: str
    type: str
    categories: frozenset[str] | None = None
    forms: tuple[str, ...] = ()


def column_of(entry: Mapping[str, Any]) -> Column:
    """Read a column's entry in the profile. `form` is a form, a list of them, or null; an older profile has none."""
    forms = entry.get("form") or ()
    return Column(
        name=entry["name"],
        type=entry["type"],
        categories=frozenset(entry["categories"]) if entry.get("categories") else None,
        forms=(forms,) if isinstance(forms, str) else tuple(forms),
    )


JsonNumber = bytes
"""A number of a JSON document, in its own digits: a type that no other JSON value has, and that C makes of a text."""


class NotJson:
    """`NaN`, `Infinity` and `-Infinity`, which Python's JSON parser takes although JSON has no such words."""

    def __init__(self, word: str) -> None:
        self.word = word


class Misfit(ValueError):
    """A value does not fit its column; the message says what was sent instead, and never the value."""


def convert(values: Sequence[Any], column: Column, *, in_json: bool) -> Sequence[str]:
    """Return the column's values as training would have read them. Of CSV all are texts; a value of JSON is a text, a
    `JsonNumber`, a truth, or None, and a number is no text there.

    Raises:
        InvalidValue: names the row (1-based) and column of the first that does not fit, and what is expected there.
    """
    at_once = _AT_ONCE[column.type](values, column, in_json) if column.type in _AT_ONCE else None
    if at_once is not None:
        return at_once
    read = _reader(column)
    known: dict[str, str] = {}  # dates and truths come again and again
    converted: list[str] = []
    try:
        for value in values:
            text = _text_of(value, column.type) if in_json else value
            if text not in known:
                known[text] = "" if is_missing(text) else read(text)
            converted.append(known[text])
    except Misfit as misfit:
        message = f"expected {_expected(column)}, or null; got {misfit}"
        raise InvalidValue(message, row=len(converted) + 1, column=column.name) from None
    return converted


def fields(texts: Sequence[str], column: Column) -> tuple[Sequence[str], bool]:
    """Return texts as they stand in fields of CSV, and whether quotes go around them: around all, where one needs them.

    Raises:
        InvalidValue: one of them holds what no CSV file can, NUL or half a character, is too long, or is what the
            model's reader may crash at.
    """
    joined = "".join(texts)
    if any(exponent.search(joined) for exponent in _LONG_EXPONENTS):
        _refuse_unreadable(texts, column)
    if not _is_writable(joined):
        for row, text in enumerate(texts, 1):
            if not _is_writable(text):
                raise InvalidValue("the text holds a character that no CSV file can", row=row, column=column.name)
    if len(joined) * 4 > BYTES_MAX and max(map(len, texts)) * 4 > BYTES_MAX:
        for row, text in enumerate(texts, 1):
            if (size_bytes := len(text.encode())) > BYTES_MAX:
                message = f"the text has {size_bytes:,} bytes, and a cell has at most {BYTES_MAX:,}; shorten it"
                raise InvalidValue(message, row=row, column=column.name)
    if not _is_special(joined):
        return texts, False
    return [text.replace('"', '""') for text in texts] if '"' in joined else texts, True


def _refuse_unreadable(texts: Sequence[str], column: Column) -> None:
    for row, text in enumerate(texts, 1):
        if is_unreadable(text):
            message = f"the text begins as {_LONG_EXPONENT}, at which the model's reader may crash; leave it empty"
            raise InvalidValue(message, row=row, column=column.name)


def csv_reader(text: str) -> CsvReader:
    """Return the standard library's reader, strict. Its own limit of a field, which is one for the whole process, is
    lifted: too long a cell is refused with its row and column.
    """
    csv.field_size_limit(_NO_LIMIT)
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def quoted(text: str) -> str:
    """Return a text as a field of CSV."""
    return '"{}"'.format(text.replace('"', '""')) if _is_special(text) else text


def _is_special(text: str) -> bool:
    return '"' in text or "," in text or "\n" in text or "\r" in text


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which JSON can spell and UTF-8 cannot
        return False
    return "\0" not in text


# The common case of a column in a few passes of C, which takes a tenth of the time; None says nothing yet.


def _numbers_at_once(values: Sequence[Any], column: Column, in_json: bool) -> Sequence[str] | None:
    try:
        if in_json:
            values = values if None not in values else [b"" if value is None else value for value in values]
            joined = b",".join(values).decode()
        else:
            joined = ",".join(values)
    except TypeError:  # something else than numbers of JSON and null
        return None
    if joined.count(",") != len(values) - 1 or not _PLAIN[column.type].fullmatch(joined):
        return None
    if column.type == "integer" and "." in joined:
        joined = joined.replace(".0", "")
    return joined.split(",")


def _texts_at_once(values: Sequence[Any], _: Column, in_json: bool) -> Sequence[str] | None:
    types = set(map(type, values)) if in_json else {str}
    if not types <= _TEXT_OR_NULL:
        return None
    if types == {str} and NULL_WORDS.isdisjoint(values) and all(map(str.strip, values)):
        return values
    missing = {text for text in set(values) if text is None or is_missing(text)}
    return ["" if value in missing else value for value in values]


def _booleans_at_once(values: Sequence[Any], column: Column, in_json: bool) -> Sequence[str] | None:
    if not in_json or not set(map(type, values)) <= {bool, type(None)}:
        return None
    written = _truths(column) | {None: ""}
    return [written[value] for value in values]


def _dates_at_once(values: Sequence[Any], column: Column, in_json: bool) -> Sequence[str] | None:
    form = column.forms[0] if len(column.forms) == 1 else ISO
    types = set(map(type, values)) if in_json else {str}
    if not types <= _TEXT_OR_NULL:
        return None
    texts = values if types == {str} else [value or "" for value in values]
    joined = "\n".join(texts)
    if not joined.isascii() or joined.count("\n") != len(texts) - 1:
        return None
    shape = _dates(form, timed=column.type == "datetime")
    if not all(map(shape.fullmatch, set(joined.translate(_SHAPES).split("\n")))):
        return None
    return texts if _are_dates(texts, form) else None


def _are_dates(texts: Sequence[str], form: str) -> bool:
    """Say whether each of the texts, which have a date's shape or are empty, is a day of the calendar and a time."""
    if form == ISO:
        try:
            deque(map(dt.datetime.fromisoformat, filter(None, texts)), maxlen=0)
        except ValueError:
            return False
        return True
    days, times = ({text[part] for text in texts} for part in (slice(_DAY_CHARACTERS), slice(_DAY_CHARACTERS, None)))
    return all(_is_day(day, form) for day in days - {""}) and all(map(_TIME.fullmatch, times))


@lru_cache(maxsize=20_000)  # the days of fifty years: most requests hold the same
def _is_day(text: str, form: str) -> bool:
    date = date_of(text)
    return date is not None and date.is_day_of(form)


@lru_cache
def _dates(form: str, *, timed: bool) -> re.Pattern[str]:
    """Return the pattern of dates in one form, or of nothing."""
    texts = next(DAY_FORMS[texts] for texts in DAY_FORMS if form in (texts, MONTH_FIRST.get(texts)))
    return re.compile(f"(?:{texts}(?:{TIME})?)?" if timed else f"(?:{texts})?")


_AT_ONCE: dict[str, Callable[[Sequence[Any], Column, bool], Sequence[str] | None]] = {
    "integer": _numbers_at_once,
    "number": _numbers_at_once,
    "category": _texts_at_once,
    "text": _texts_at_once,
    "date": _dates_at_once,
    "datetime": _dates_at_once,
    "boolean": _booleans_at_once,
}


def _text_of(value: Any, column_type: str) -> str:
    """Return the text of a value of JSON whose type the column takes."""
    kind = type(value)
    if value is None:
        return ""
    if kind is str and (column_type not in NUMBERS or is_missing(value)):
        return str(value)
    if kind is JsonNumber and column_type in _NUMERIC:
        return str(value.decode())
    if kind is bool and column_type == "boolean":
        return str(value)
    sent_as = {str: "text", JsonNumber: "a number", bool: "true or false", NotJson: "NaN or Infinity"}
    raise Misfit(sent_as.get(kind, "an object or list"))


def _reader(column: Column) -> Callable[[str], str]:
    """Return what makes of a text that is not missing the one that training would have read."""
    if column.type == "boolean":
        return _boolean_reader(column)
    if column.type in ("date", "datetime"):
        return lambda text: _date(text, column)
    return {"integer": _whole, "number": _number}.get(column.type, str)


def _expected(column: Column) -> str:
    forms = " or ".join(column.forms)
    return {
        "integer": "a whole number of 64 bits",
        "number": "a finite number",
        "boolean": "true or false",
        "date": f"a date as {forms}" if forms else "a date such as 2026-11-22",
        "datetime": f"a date as {forms}, with or without a time" if forms else "a time such as 2026-11-22T17:03:01",
    }.get(column.type, "text or a number")


def _whole(text: str) -> str:
    whole = whole_number_of(text)
    if whole is not None:
        return str(whole)
    number = number_of(text)
    if number is None and not is_past_64_bits(text):
        raise Misfit("text")
    is_whole = number is None or math.isinf(number) or float(number).is_integer()
    raise Misfit("a number of more than 64 bits" if is_whole else "a number with a fraction")


def _number(text: str) -> str:
    if is_unreadable(text):
        raise Misfit(_LONG_EXPONENT)
    number = float(text) if is_past_64_bits(text) else number_of(text)  # JavaScript writes 1e20 in all its digits
    if number is None:
        raise Misfit("text")
    if math.isinf(number):
        raise Misfit("infinity, or a number too large for a double")
    is_plain = JSON_NUMBER.fullmatch(digits := text.strip(SPACE)) and not is_past_64_bits(text)
    return digits if is_plain else repr(number)


def _boolean_reader(column: Column) -> Callable[[str], str]:
    written = _truths(column)

    def read(text: str) -> str:
        truth = boolean_of(text)
        if truth is None:
            raise Misfit("text")
        return written[truth]

    return read


def _truths(column: Column) -> dict[bool | None, str]:
    """Both truths as they are written in training, where it may have been `TRUE` or `False`; else as in JSON."""
    written: dict[bool | None, str] = {True: "true", False: "false"}
    return written | {boolean_of(word): word for word in sorted(column.categories or ())}


def _date(text: str, column: Column) -> str:
    """Return a date in its column's form: as it is written, or another form of one day only; a text that can be read as
    two days is never taken for one of them.
    """
    text = text.strip(SPACE)
    date = date_of(text)
    if date is None:
        raise Misfit("text that is no day of the calendar in a form that is known")
    if date.time and column.type == "date":
        raise Misfit("a date with a time")
    days = _days(date)
    if not column.forms or not days.keys().isdisjoint(column.forms):
        return text
    # In the other order of the column's form, the request's other dates may be misread.
    if len(set(days.values())) == 1 and len(column.forms) == 1 and not _has_form(date, column.forms[0]):
        return day_written(next(iter(days.values())), column.forms[0]) + date.time
    raise Misfit(f"a date as {' or '.join(days)}")


def _days(date: Date) -> dict[str, dt.date]:
    """Return the days that a date can be read as, by the form that reads it so."""
    forms = (date.form, MONTH_FIRST.get(date.form, date.form))
    return {form: day for form in forms if (day := day_of(date.parts, form))}


def _has_form(date: Date, form: str) -> bool:
    return form in (date.form, MONTH_FIRST.get(date.form))


def day_written(day: dt.date, form: str) -> str:
    """Return a day as a form writes it."""
    return form.replace("YYYY", f"{day.year:04}").replace("MM", f"{day.month:02}").replace("DD", f"{day.day:02}")
