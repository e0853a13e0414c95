"""The header: what the columns are called, and whether it is one."""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches

from tenantml.errors import (
    DuplicateColumn,
    EmptyColumnName,
    NoFeatures,
    NoHeader,
    TargetMissing,
    TooManyColumns,
    WrongDelimiter,
)
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.values import Kind, kind_of

_OTHER_DELIMITERS = {b";": "semicolons", b"\t": "tabs", b"|": "vertical bars"}
_VALUE_LIKE = re.compile(rb"[^@\s]+@[^@\s]+\.[^@\s]+")
_VALUE_KINDS = (Kind.INTEGER, Kind.NUMBER, Kind.NOT_FINITE, Kind.DATE, Kind.DATETIME)


def column_names(fields: list[bytes], text: bytes, line: int, target: str, columns_max: int) -> list[str]:
    """Return the names of the columns in order, from the first record's fields and its text.

    Raises:
        WrongDelimiter, TooManyColumns, NoHeader, EmptyColumnName, DuplicateColumn, TargetMissing, NoFeatures: in this
        order.
    """
    sample = redacted(text.rstrip(b"\r\n"))
    others = [what for delimiter, what in _OTHER_DELIMITERS.items() if len(fields) == 1 and delimiter in fields[0]]
    if others:
        raise WrongDelimiter(
            f"the columns are separated by {others[0]}; separate them by commas", line=line, sample=sample
        )
    if len(fields) > columns_max:
        raise TooManyColumns(
            f"the header has {len(fields):,} columns where at most {columns_max:,} are allowed; leave columns out",
            line=line,
        )
    names = [field.replace(b'""', b'"').decode() for field in fields]
    if target not in names and any(_looks_like_a_value(field) for field in fields):
        raise NoHeader(
            f"the first row looks like values, not like names of columns; put a header first, with {target!r} in it",
            line=line,
            sample=sample,
        )
    unnamed = [number for number, name in enumerate(names, 1) if not name.strip()]
    if unnamed:
        raise EmptyColumnName(f"column {unnamed[0]:,} of the header has no name; give every column one", line=line)
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DuplicateColumn(f"{times} columns have this name; give every column its own", line=line, column=name)
    if target not in names:
        raise TargetMissing(_target_missing(names, target), line=line)
    if len(names) == 1:
        raise NoFeatures(
            "there is no column but the target; add the columns to predict it from", line=line, column=target
        )
    return names


def _looks_like_a_value(field: bytes) -> bool:
    return kind_of(field) in _VALUE_KINDS or _VALUE_LIKE.fullmatch(field.strip()) is not None


def _target_missing(names: list[str], target: str) -> str:
    folded = {name.strip().casefold(): name for name in reversed(names)}
    near = [folded[key] for key in get_close_matches(target.strip().casefold(), folded, n=1, cutoff=0.7)]
    hint = f"; did you mean {near[0]!r}?" if near else "; change the model's target or the file's header"
    shown = ", ".join(repr(name[:64]) for name in names[:20]) + (", …" if len(names) > 20 else "")
    return f"no column is called {target!r}, the columns are {shown}{hint}"
