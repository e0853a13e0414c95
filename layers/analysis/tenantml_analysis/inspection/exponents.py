"""Cells at which the reader inside training may crash: `tenantml.domain.meaning.is_unreadable` says which."""

from __future__ import annotations

import re

import numpy as np

from tenantml.domain.meaning import EXPONENT_DIGITS_MAX, UNREADABLE
from tenantml.errors import ExponentTooLong
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.row_arrays import Rows

_UNREADABLE = re.compile(UNREADABLE.encode())
_CASE = 0x20  # sets an ASCII letter's case to lower


def long_exponent(rows: Rows, names: list[str]) -> ExponentTooLong | None:
    """Return the refusal of the first cell that begins as a number whose exponent has ten digits or more, if any."""
    for place in _places(rows.values):
        # Values lie in order, so that the one a byte belongs to is the last that starts before it.
        row = int(np.searchsorted(rows.value_starts[:, 0], place, side="right")) - 1
        column = int(np.searchsorted(rows.value_starts[row], place, side="right")) - 1 if row >= 0 else -1
        if column >= 0 and _UNREADABLE.match(value := rows.value(row, column)):
            return ExponentTooLong(
                "the cell begins as a number with an exponent of ten digits or more, as some identifiers do, and the "
                "reader inside Autopilot's training may crash at it; leave the column out with ignore_columns, or "
                "begin each of its values with a letter",
                line=rows.line_of(row),
                column=names[column],
                sample=redacted(value),
            )
    return None


def _places(text: bytes) -> list[int]:
    """Return where an E stands between a digit or dot and ten digits, which may have a sign."""
    buffer = np.frombuffer(text, np.uint8)
    is_mark = (buffer[1:-1] | _CASE) == ord("e")
    is_mark &= (buffer[:-2] - np.uint8(ord("."))) <= ord("9") - ord(".")
    is_mark &= (buffer[2:] - np.uint8(ord("+"))) <= ord("9") - ord("+")
    places = np.flatnonzero(is_mark) + 1
    for ahead in range(EXPONENT_DIGITS_MAX, 1, -1):
        if not len(places):
            break
        places = places[places + ahead < len(buffer)]
        places = places[(buffer[places + ahead] - np.uint8(ord("0"))) <= ord("9") - ord("0")]
    return list(map(int, places))
