"""What the text of a cell means: the one definition that the pre-flight, training, predictions and answers follow.

The reference is the reader inside Autopilot's training, `pandas.read_csv` with its defaults: the same words are
missing, the same texts are numbers and booleans. `docs/data.md` says it to tenants. Everything here is exact and reads
one text at a time; what is faster must agree with it, and tests compare.

Patterns are texts, so that whoever reads bytes compiles the same ones.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

BLANKS = " \t"
"""A cell of nothing else is missing."""
SPACE = " \t\n\r\v\f"
"""It does not count around a number or a date."""

OTHER_SEPARATORS = {
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    "^": "carets",
    "~": "tildes",
    "\u00a6": "broken bars",
    "\x01": "the control character 1, as in exports of Hive",
    "\x1f": "the control character 31",
}
"""What may stand between cells where a comma should, and how messages call it."""

# fmt: off
NULL_WORDS = frozenset((
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
))
"""Words for a missing value, exactly so spelt (pandas.read_csv, `keep_default_na`)."""
# fmt: on

WHOLE_DIGITS = 18
"""Whole numbers of so many digits fit into 64 bits whatever they are."""
EXPONENT_DIGITS_MAX = 9
"""Of more, `pandas.read_csv` may crash: see `is_unreadable`."""

NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
WHOLE = r"[+-]?[0-9]+"
INFINITE = r"[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?"

UNREADABLE = rf"[{SPACE}]*+[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)[eE][+-]?[0-9]{{{EXPONENT_DIGITS_MAX + 1}}}"

_NUMBER = re.compile(NUMBER)
_UNREADABLE = re.compile(UNREADABLE)
_WHOLE = re.compile(WHOLE)
_INFINITE = re.compile(INFINITE)

# A day in each of the forms that a column may have. In NN/NN/YYYY and NN.NN.YYYY the order is the column's: one day
# past the twelfth tells it for all.
DAY_FORMS = {
    "YYYY-MM-DD": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "YYYY/MM/DD": r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}",
    "DD.MM.YYYY": r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}",
    "DD/MM/YYYY": r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}",
}
MONTH_FIRST = {"DD/MM/YYYY": "MM/DD/YYYY", "DD.MM.YYYY": "MM.DD.YYYY"}
"""The other order of a form whose texts can be read in two orders."""
TIME = r"[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:\.[0-9]+)?)?(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
_DATES = {form: re.compile(rf"({day})({TIME})?") for form, day in DAY_FORMS.items()}
_PARTS = re.compile(r"[0-9]+")


def is_missing(text: str) -> bool:
    """Say whether a cell holds nothing: it is empty, of blanks alone, or a word for a missing value."""
    return text in NULL_WORDS or not text.strip(BLANKS)


def is_unreadable(text: str) -> bool:
    """Say whether a cell begins as a number whose exponent has ten digits or more, as `81e3104049863b72` does.

    Whatever follows, pandas' reader takes such an exponent modulo 32 bits and reads outside its table of powers: it
    crashes, or reads another number (https://github.com/pandas-dev/pandas/issues/62617; releases before 3.0).
    """
    return _UNREADABLE.match(text) is not None


def number_of(text: str) -> int | float | None:
    """Return the number that a text writes, space around it aside; None for any other text.

    Whole numbers are `int`, so that no two of them are the same; past 64 bits they are text, as pandas reads a column
    that has one. A number beyond a double's range, and the words for infinity, are infinite.
    """
    text = text.strip(SPACE)
    if _WHOLE.fullmatch(text):
        digits = text.lstrip("+-").lstrip("0") or "0"
        whole = int(digits) * (-1 if text[0] == "-" else 1) if len(digits) <= WHOLE_DIGITS + 1 else 2**63
        return whole if -(2**63) <= whole < 2**63 else None
    return float(text) if _NUMBER.fullmatch(text) or _INFINITE.fullmatch(text) else None


def is_past_64_bits(text: str) -> bool:
    """Say whether a text writes a whole number of more than 64 bits."""
    return _WHOLE.fullmatch(text.strip(SPACE)) is not None and number_of(text) is None


def whole_number_of(text: str) -> int | None:
    """Return the whole number of 64 bits that a text writes, also as `60.0` or `6e1`; None for any other text."""
    number = number_of(text)
    if number is None or (isinstance(number, float) and not (math.isfinite(number) and number.is_integer())):
        return None
    whole = int(Decimal(text.strip(SPACE))) if isinstance(number, float) else number
    return whole if -(2**63) <= whole < 2**63 else None


def boolean_of(text: str) -> bool | None:
    """Return the truth that a text writes, in any case; None for any other text. Blanks count, as in pandas."""
    return {"true": True, "false": False}.get(text.lower()) if text.isascii() else None


@dataclass(frozen=True, slots=True)
class Date:
    """A date as it is written: its form, the three numbers in the order of the text, and the text of the time."""

    form: str
    parts: tuple[int, int, int]
    time: str

    def is_day_of(self, form: str) -> bool:
        """Say whether it is a day of the calendar when it is read in a form of the same texts."""
        return day_of(self.parts, form) is not None


def date_of(text: str) -> Date | None:
    """Return the date that a text writes, space around it aside; None for any other text, and for one that is no day
    of the calendar in whatever order it is read.

    `form` is a key of `DAY_FORMS`: day first, where a text can be read in two orders.
    """
    text = text.strip(SPACE)
    for form, pattern in _DATES.items():
        if match := pattern.fullmatch(text):
            first, second, third = map(int, _PARTS.findall(match[1]))
            date = Date(form, (first, second, third), match[2] or "")
            orders = (form, MONTH_FIRST[form]) if form in MONTH_FIRST else (form,)
            return date if any(map(date.is_day_of, orders)) else None
    return None


def day_of(parts: tuple[int, int, int], form: str) -> dt.date | None:
    """Return the day of the calendar that three numbers write in a form, or None when there is no such day."""
    by_letter = dict(zip(_letters(form), parts, strict=True))
    try:
        return dt.date(by_letter["Y"], by_letter["M"], by_letter["D"])
    except ValueError:
        return None


@lru_cache
def _letters(form: str) -> list[str]:
    return [part[0] for part in re.split(r"[-/.]", form)]


def label_key(text: str, *, numeric: bool, boolean: bool) -> object:
    """Return what tells classes apart: in a target of numbers the number, in one of booleans the truth, else the text.

    So `1`, `1.0` and `01` are one class, `TRUE` and `True` are one, `yes` and `Yes` are two.
    """
    if numeric:
        return number_of(text)
    return boolean_of(text) if boolean else text


def folded(text: str) -> str:
    """Return what people mean alike: without case, spare blanks, invisible characters and ways of composing accents."""
    composed = unicodedata.normalize("NFKC", text)
    visible = "".join(character for character in composed if unicodedata.category(character) not in {"Cf", "Cc"})
    return " ".join(visible.casefold().split())


def names_alike(names: Collection[str]) -> list[tuple[str, ...]]:
    """Return the groups of names that people mean alike, each of at least two, in the order of their first."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(folded(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]
