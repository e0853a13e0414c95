"""Rows of a JSON request, column by column.

Apps write all rows of all requests in one form: the same names, in the same order, with the same blanks. One pattern of
a row then takes all values out of a request without an object for each; a parser and its objects take twice as long.
What is not of a form that has come before is not read here; it is no error yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tenantml.domain.predictions.cells import NotJson

DECODER = json.JSONDecoder(
    object_pairs_hook=tuple,  # so that a key that comes twice is seen, and an object is no array
    parse_int=str.encode,
    parse_float=str.encode,
    parse_constant=NotJson,
)
"""Objects are tuples of names and values, numbers their own digits (`JsonNumber`)."""

_MANY_ROWS = 10  # a pattern takes milliseconds to make
_MANY_COLUMNS = 100  # a match notes where each group began: past these a parser is faster
_OPENING = re.compile(rb'_*{_*"rows"_*:_*\[_*'.replace(b"_", rb"[ \t\r\n]"))
_CLOSING = re.compile(rb"_*\]_*}_*".replace(b"_", rb"[ \t\r\n]"))
# No part is tried twice (`++`, `*+`): what does not fit is known in one pass.
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_TEXT = rb'"[^"\\\0-\x1f]*+(?:\\.[^"\\\0-\x1f]*+)*+"'
_NUMBER_OR_NULL = b"(?:(%s)|null)" % _NUMBER
_ANY_VALUE = b"(%s|%s|null|true|false)" % (_TEXT, _NUMBER)


def read(body: bytes, names: Sequence[str], numeric: Collection[str]) -> list[Sequence[Any]] | None:
    """Return the values of each column, in the order of `names`, as `DECODER` reads them: numbers or null in `numeric`
    columns, and no objects or lists in any. None when rows are few or columns many, the rows hold something else or are
    not of one form, or no request of this form has come before.
    """
    if body.count(b"{") <= _MANY_ROWS or len(names) > _MANY_COLUMNS:
        return None
    try:
        text = body.decode()
        start = text.find("{", 1)
        first, end = DECODER.raw_decode(text, start)
        order = tuple(name for name, _ in first)
        if sorted(order) != sorted(names):
            return None
        blank = b" " if '": ' in text[start:end] else b""
        pattern = _form(order, tuple(name in numeric for name in order), blank).pattern()
        if pattern is None:
            return None
        parts = pattern.split(body)
        # What is between two rows, then a row's values, and so on.
        opening, *between, closing = parts[:: len(names) + 1]
        if not (_OPENING.fullmatch(opening) and {*between} == {b"," + blank} and _CLOSING.fullmatch(closing)):
            return None
        found = {name: parts[place :: len(names) + 1] for place, name in enumerate(order, 1)}
        return [
            found[name] if name in numeric else DECODER.decode(f"[{b','.join(found[name]).decode()}]") for name in names
        ]
    except (ValueError, RecursionError):
        return None


@dataclass(slots=True)
class _Form:
    """How rows are written; the pattern is made for the second request, as not every app keeps to a form."""

    names: Sequence[str]
    are_numbers: Sequence[bool]
    blank: bytes
    has_come: bool = False
    row: re.Pattern[bytes] | None = None

    def pattern(self) -> re.Pattern[bytes] | None:
        """Return the pattern of a row, None the first time. A value is a group; null in a column of numbers is none."""
        if self.row is None and self.has_come:
            members = (
                b"%s:%s%s" % (_spelled(name), self.blank, _NUMBER_OR_NULL if is_number else _ANY_VALUE)
                for name, is_number in zip(self.names, self.are_numbers, strict=True)
            )
            self.row = re.compile(b"{%s}" % (b"," + self.blank).join(members))
        self.has_come = True
        return self.row


@lru_cache(maxsize=128)
def _form(names: Sequence[str], are_numbers: Sequence[bool], blank: bytes) -> _Form:
    return _Form(names, are_numbers, blank)


def _spelled(name: str) -> bytes:
    """Return the pattern of a name as JSON spells it: beyond ASCII as it is, or with escapes."""
    spellings = {json.dumps(name), json.dumps(name, ensure_ascii=False)}
    return b"(?:%s)" % b"|".join(re.escape(spelling).encode() for spelling in sorted(spellings))
