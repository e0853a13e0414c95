"""Columns of text that are numbers or dates but for a few cells, or but for the form in which these are written."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tenantml.domain import meaning
from tenantml_analysis.inspection.columns import TEXT, Column, Place, shown
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.values import DATED, NUMERIC, Kind, is_missing, read

ODD_SHARE = 0.05  # of a column's cells are fewer than this: the others tell what it is
UNITS_MAX = 3  # a measure has one unit, and codes have many endings
_PAST_64_BITS = "more digits than 64 bits hold"
_CURE_PAST_64_BITS = "give amounts a decimal point, and let identifiers begin with a letter"
FORM_CHARACTERS_MAX = 100  # of a number or a date in any form: patterns look at no longer text

_NO_VALUES = {
    "a dash": {"-", "--", "---", "\u2013", "\u2014"},
    "a question mark": {"?", "??", "???"},
    "a dot": {".", "..", "..."},
    "an error of a spreadsheet": {"#ref!", "#div/0!", "#value!", "#name?", "#num!", "#null!"},
    "a word for a missing value that is not read as one": {
        *("na", "n.a", "n.a.", "n/a", "nan", "none", "null", "nil", "nd", "n.d.", "n.v.", "k.a.", "s/d", "tbd"),
        *("missing", "unknown", "undefined", "(blank)", "(null)", r"\n"),
    },
}
_NO_VALUE = {text: what for what, texts in _NO_VALUES.items() for text in texts}
_CURRENCIES = "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|RON|RUB|SEK|TRY|USD|ZAR|kr|zł|Kč|Ft"
_CURRENCY = re.compile(rf"(?:{_CURRENCIES})\.?(?![A-Za-z])\s*|\s*(?<![A-Za-z])(?:{_CURRENCIES})\.?\Z")
_UNIT = re.compile(r"(?<=[0-9])\s*([^\W\d_]|[°µ])[\w°µ²³/.]{0,11}\Z")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:([,.'’ _\u00a0\u2009\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:(?!\1)([.,])[0-9]+)?")
_INVISIBLE = meaning.SPACE + "\u00a0\u00ad\u2007\u2009\u200b\u200c\u200d\u200e\u200f\u202f\u2060\u3000\ufeff"
_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]{1,16}")
_FORTRAN = re.compile(r"(?<=[0-9.])[dD](?=[+-][0-9]{1,3}\Z)")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")

_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[yi]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\.?"
_DAYS = {
    "a month in words": rf"(?:{_MONTH}[ -][0-9]{{1,2}},?[ -]|[0-9]{{1,2}}\.?[ -]{_MONTH},?[ -])[0-9]{{2,4}}",
    "a year of two digits": r"[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2}",
    "hyphens after the day": r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}",
    "dots after the year": r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}\.?",
    "a month or day of one digit": r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}",
}
_DAY_FORMS = {form: re.compile(rf"(?i:{day})(?:{meaning.TIME})?") for form, day in _DAYS.items()}
_POSSIBLE_DAY = re.compile(rf"(?:{'|'.join(meaning.DAY_FORMS.values())})(?:{meaning.TIME})?")
_HALF_DAY = re.compile(r"(?i:.*[0-9]{4}.*[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})? ?[ap]\.?m\.?)")


@dataclass(frozen=True, slots=True)
class Almost:
    """A column that is almost of numbers or dates (`what`): `rows` of `of` are, and `form` names what the others hold,
    of which `first` is the first. With `looked_at` the rows are a sample, and those in another form count too.
    """

    what: str
    rows: int
    of: int
    looked_at: bool
    form: str
    first: Place
    cure: str
    or_else: str = ""

    @property
    def sample(self) -> str:
        """The first other cell, redacted."""
        return redacted(self.first.value)

    def message(self, *, needs_rows: int = 0) -> str:
        """Say what is wrong and what to do about it, without the place; no advice leaves fewer rows than are needed."""
        cure = self.cure + (self.or_else if self.rows >= needs_rows else "")
        rows = f"{self.rows:,} of {self.of:,} rows" + (" looked at" if self.looked_at else "")
        if self.looked_at:
            return f"is text that looks like a {self.what} with {self.form} in {rows}; {cure}"
        others = "" if self.form == "text" else f": {self.form}"
        return f"is a {self.what} in {rows} and text because of the others{others}; {cure}"


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of the first row and of the last one."""

    first: int
    last: int


def almost(column: Column, sample: Sequence[bytes], lines: Lines) -> Almost | None:
    """Say what a column of text almost is; None when it is not text, or is nothing else."""
    if not column.kinds & ~NUMERIC or not column.kinds & ~DATED:
        return None
    return _but_for_few(column, lines) or _in_another_form(column, sample)


def _but_for_few(column: Column, lines: Lines) -> Almost | None:
    first = column.first_but(column.leaning) if column.leaning > TEXT else None
    if first is None or not 0 < column.odd_rows < ODD_SHARE * column.held:
        return None
    what, cure = ("number", "such as 1234.5") if column.leaning == NUMERIC else ("date", "such as 2024-01-31")
    form_of = number_form if column.leaning == NUMERIC else date_form
    form = form_of(shown(first.value)) or _kind(first.value)
    cure, or_else = f"write a {what} {cure}", ", or leave these cells empty"
    is_text = column.odd_rows == 1 and form_of(shown(first.value)) is None
    if is_text and first.line == lines.last:
        form, or_else = f"{form} in the last row, as totals are", ", or remove that row"
    elif is_text and first.line == lines.first:
        form, or_else = f"{form} in the first row, as units are", ", or remove that row"
    return Almost(what, column.held - column.odd_rows, column.held, False, form, first, cure, or_else)


def _in_another_form(column: Column, sample: Sequence[bytes]) -> Almost | None:
    held = Counter(value for value in sample if not is_missing(value))
    for what, family, form_of, example in (
        ("number", NUMERIC, number_form, "plain numbers such as 1234.5"),
        ("date", DATED, date_form, "dates such as 2024-01-31"),
    ):
        first = column.first_but(family)
        forms = _forms(held, family, form_of)
        if first is not None and forms[""] < forms.total():
            form = max(filter(None, forms), key=lambda form: forms[form])
            cure = _CURE_PAST_64_BITS if form == _PAST_64_BITS else f"write {example}"
            return Almost(what, forms.total(), held.total(), True, form, first, cure)
    return None


def _forms(held: Counter[bytes], family: int, form_of: Callable[[str], str | None]) -> Counter[str]:
    """Count the values of a family by their forms, plain ones under no form; nothing when too many are not of it."""
    forms: Counter[str] = Counter()
    units: set[str] = set()
    strange = placeholders = 0
    for value, rows in held.items():
        text = shown(value)
        form = "" if read(value).kind & family else form_of(text)
        if form is not None:
            forms[form] += rows
            if "a unit" in form:
                units.add(text.lstrip("0123456789.,'+- "))
        elif text.strip().casefold() in _NO_VALUE:
            placeholders += rows
        else:
            strange += rows
            if strange > ODD_SHARE * held.total():
                return Counter()
    return Counter() if placeholders > forms.total() or len(units) > UNITS_MAX else forms


def _kind(value: bytes) -> str:
    """Name what a value is that is neither a number nor a date in any form."""
    what = _NO_VALUE.get(shown(value).strip().casefold())
    kinds = {Kind.BOOLEAN: "a boolean", Kind.DATE: "a date", Kind.DATETIME: "a date", Kind.OTHER: "text"}
    return what or kinds.get(read(value).kind, "a number")


def number_form(text: str) -> str | None:
    """Name the form in which a text that is not read as a number writes one; None when it writes none."""
    if len(text.strip()) > FORM_CHARACTERS_MAX:
        return None
    forms = []
    if text.strip(_INVISIBLE) != text.strip(meaning.SPACE):
        forms.append("an invisible character or a blank that is no space")
        text = text.strip(_INVISIBLE)
    for form, without in _AROUND_NUMBERS.items():
        bare = without(text).strip()
        if bare != text.strip():
            forms.append(form)
        text = bare
    if meaning.is_past_64_bits(text):
        forms.append(_PAST_64_BITS)
    grouped = _GROUPED.fullmatch(text)
    if grouped and meaning.number_of(text) is None:
        forms.append("a thousands separator")
    if grouped[2] == "," if grouped else _DECIMAL_COMMA.fullmatch(text):
        forms.append("a decimal comma")
    elif not grouped and not meaning.is_past_64_bits(text) and meaning.number_of(text) is None:
        return None
    return " and ".join(forms) or None


def is_word(text: str) -> bool:
    """Say whether a text has letters and is no number in any form, no placeholder and no word for a missing value."""
    if not any(map(str.isalpha, text)) or meaning.is_missing(text) or text.strip().casefold() in _NO_VALUE:
        return False
    return number_form(text) is None and meaning.number_of(text) is None


def _in_ascii(text: str) -> str:
    return text if text.isascii() else "".join(str(unicodedata.decimal(c, c)) for c in text)


def _without_currency(text: str) -> str:
    return _CURRENCY.sub("", "".join(c for c in text if unicodedata.category(c) != "Sc").strip())


_AROUND_NUMBERS: dict[str, Callable[[str], str]] = {
    "digits of another script": _in_ascii,
    "a minus sign that is no hyphen": lambda text: text.replace("\u2212", "-", 1),
    "parentheses instead of a minus sign": lambda text: text[1:-1] if text[:1] + text[-1:] == "()" else text,
    "a minus sign after the number": lambda text: text.removesuffix("-"),
    "an apostrophe before the number": lambda text: text.removeprefix("'"),
    "a formula of a spreadsheet": lambda text: text[2:-1] if text[:2] + text[-1:] == '=""' else text,
    "a D before the exponent": lambda text: _FORTRAN.sub("e", text),
    "a limit such as <0.5": lambda text: text.lstrip("<>=~≤≥≈"),
    "hexadecimal digits": lambda text: str(int(text, 16)) if _HEXADECIMAL.fullmatch(text) else text,
    "a percent sign": lambda text: text.removesuffix("%"),
    "a currency sign": _without_currency,
    "a unit": lambda text: _UNIT.sub("", text),
}
"""What stands around a number or in its place, and what takes it away, in this order."""


def date_form(text: str) -> str | None:
    """Name the form in which a text that is not read as a date writes one; None when it writes none."""
    text = text.strip()
    if len(text) > FORM_CHARACTERS_MAX:
        return None
    if _POSSIBLE_DAY.fullmatch(text):
        return "an impossible day"
    if _HALF_DAY.fullmatch(text):
        return "a time with AM or PM"
    return next((form for form, pattern in _DAY_FORMS.items() if pattern.fullmatch(text)), None)
