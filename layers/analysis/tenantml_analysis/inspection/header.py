"""The header: what the columns are called, and whether it is one.

An error shows names only of a header that is believable; of any other row it shows the shape.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import count

from tenantml.domain.meaning import OTHER_SEPARATORS, folded
from tenantml.errors import (
    ColumnNameTooLong,
    DatasetError,
    DuplicateColumn,
    EmptyColumnName,
    EntityColumnMissing,
    IgnoredColumnMissing,
    NoFeatures,
    NoHeader,
    TargetMissing,
    TooManyColumns,
    WrongDelimiter,
)
from tenantml_analysis.inspection.almost import is_word
from tenantml_analysis.inspection.columns import shown
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.values import DATED, NUMERIC, is_missing, read

NAME_BYTES_MAX = 256

_OTHER_DELIMITERS = {separator.encode(): what for separator, what in OTHER_SEPARATORS.items()}
_QUOTED_CELL = re.compile(rb'"(?:[^"]|"")*+"(%b)' % b"|".join(map(re.escape, _OTHER_DELIMITERS)))
_EMAIL = re.compile(rb"[^@\s]+@[^@\s]+\.[^@\s]+")
_SHORT_NUMBER = re.compile(rb"[0-9]{1,4}")  # a year or a place, by which columns are called too


@dataclass(frozen=True)
class Header:
    """The first row of a file: its line, its fields as written and its text; and what looks at the rows below it, when
    there is a reason to.
    """

    line: int
    fields: list[bytes]
    text: bytes
    look_below: Callable[[], list[tuple[int, list[bytes]]]] = list

    @cached_property
    def below(self) -> list[tuple[int, list[bytes]]]:
        """The first rows below it: line and fields of each."""
        return self.look_below()

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [shown(field) for field in self.fields]

    @property
    def sample(self) -> str:
        """Its shape."""
        return redacted(self.text.rstrip(b"\r\n"))


def column_names(
    header: Header, target: str, ignored: Sequence[str], columns_max: int, entity: str | None = None
) -> list[str]:
    """Return the names of the columns in order.

    Raises:
        NoHeader, WrongDelimiter, TooManyColumns, ColumnNameTooLong, EmptyColumnName, DuplicateColumn, TargetMissing,
        IgnoredColumnMissing, EntityColumnMissing, NoFeatures: whatever is wrong first.
    """
    line, names = header.line, header.names
    if target not in names:
        _refuse_lines_above(header, target)
        _refuse_other_separators(header, target)
    if len(names) > columns_max:
        raise TooManyColumns(
            f"the header has {len(names):,} columns where at most {columns_max:,} are allowed; leave columns out, "
            "or end each row by a line break",
            line=line,
        )
    if target not in names and any(map(_looks_like_a_value, header.fields)) and not _is_believable(header):
        raise NoHeader(
            f"the first row looks like values, not like names of columns; put a header first, with {target!r} in it. "
            f"If the row is the header, no column of it is called {target!r}",
            line=line,
            sample=header.sample,
        )
    _refuse_bad_names(header, has_target=target in names)
    if target not in names:
        raise _target_missing(header, target)
    named: list[tuple[str, str, type[DatasetError]]] = [
        (name, "ignore_columns", IgnoredColumnMissing) for name in ignored
    ]
    named += [(entity, "entity_column", EntityColumnMissing)] if entity is not None else []
    for name, setting, error in named:
        if name not in names:
            near = _nearest(name, names)
            hint = f"; did you mean {near!r}?" if near else ""
            raise error(
                f"no column is called {name!r}, which the model's {setting} names{hint}; correct the setting, or the "
                "header",
                line=line,
            )
    if not set(names) - {target, *ignored}:
        raise NoFeatures(
            "there is no column to predict the target from; add some, or ignore fewer", line=line, column=target
        )
    return names


def _refuse_lines_above(header: Header, target: str) -> None:
    """Refuse a file whose header comes below other lines, as titles, comments and `sep=` are."""
    for line, fields in header.below:
        if target in map(shown, fields):
            what = "a 'sep=' line" if header.fields[0].lower().startswith(b"sep=") else "a title or a comment"
            raise NoHeader(
                f"the header seems to be in line {line:,}, where the target {target!r} is, below {what}; remove the "
                "lines above the header",
                line=header.line,
                sample=header.sample,
            )


def _refuse_other_separators(header: Header, target: str) -> None:
    """Refuse a file whose first row tells that something else than commas is between its cells."""
    first, *more = header.fields
    if not more and b"," in first:
        raise WrongDelimiter(
            "each row is in quotes as a whole, so that it is one cell; remove the quotes around the rows",
            line=header.line,
            sample=header.sample,
        )
    for delimiter, what in _OTHER_DELIMITERS.items():
        has_target = target.encode() in (name.strip(b' ",\r\n') for name in header.text.split(delimiter))
        if has_target or (not more and delimiter in first):
            raise WrongDelimiter(
                f"the columns are separated by {what}; separate them by commas", line=header.line, sample=header.sample
            )
    if not more and target.encode() in first.split():
        raise WrongDelimiter(
            "the columns are separated by blanks; separate them by commas", line=header.line, sample=header.sample
        )


def refuse_delimiter_after_quote(text: bytes, line: int | None, sample: str | None) -> None:
    """Refuse a header that begins with a quoted cell and another separator than a comma.

    Raises:
        WrongDelimiter: with the separator.
    """
    if found := _QUOTED_CELL.match(text):
        what = _OTHER_DELIMITERS[found[1]]
        raise WrongDelimiter(f"the columns are separated by {what}; separate them by commas", line=line, sample=sample)


def _refuse_bad_names(header: Header, *, has_target: bool) -> None:
    line, names = header.line, header.names
    for number, field in enumerate(header.fields, 1):
        if len(field) > NAME_BYTES_MAX:
            raise ColumnNameTooLong(
                f"the name of column {number:,} has {len(field):,} bytes where at most {NAME_BYTES_MAX} are allowed; "
                "shorten it, or put a header first if this row is none",
                line=line,
                sample=redacted(field),
            )
    unnamed = next((number for number, name in enumerate(names) if not name.strip()), None)
    if unnamed is not None:
        index = [fields[unnamed] for _, fields in header.below if len(fields) > unnamed]
        if index and _counts(index):
            raise EmptyColumnName(
                f"column {unnamed + 1:,} of the header has no name and holds row numbers, as the index that pandas "
                "writes does; write the file with index=False, or remove the column",
                line=line,
            )
        raise EmptyColumnName(f"column {unnamed + 1:,} of the header has no name; give every column one", line=line)
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        is_believable = has_target or _is_believable(header)
        numbers = [f"{number:,}" for number, other in enumerate(names, 1) if other == name]
        raise DuplicateColumn(
            f"columns {', '.join(numbers[:20])} have the same name; give every column its own",
            line=line,
            column=name if is_believable else None,
            sample=None if is_believable else redacted(name.encode()),
        )


def _counts(values: Sequence[bytes]) -> bool:
    """Say whether values are whole numbers that go up by one."""
    return values[0].isdigit() and all(
        value == b"%d" % number for value, number in zip(values, count(int(values[0][:18])), strict=False)
    )


def _looks_like_a_value(field: bytes) -> bool:
    return (not is_missing(field) and read(field).kind & (NUMERIC | DATED) > 0) or _EMAIL.fullmatch(
        field.strip()
    ) is not None


def _is_believable(header: Header) -> bool:
    """Say whether the first row is one of names: a column of numbers or dates begins with a word, and no cell is what
    no column is called, as an e-mail address or a date.
    """
    if any(_looks_like_a_value(field) and not _SHORT_NUMBER.fullmatch(field) for field in header.fields):
        return False
    rows = [fields for _, fields in header.below if len(fields) == len(header.fields)]
    held = ([value for value in column if not is_missing(value)] for column in zip(*rows, strict=True))
    return any(
        is_word(shown(name)) and values and all(map(_looks_like_a_value, values))
        for name, values in zip(header.fields, held, strict=False)
    )


def _target_missing(header: Header, target: str) -> TargetMissing:
    names = header.names
    if not _is_believable(header):
        # Shows nothing but the target.
        alike = next((name for name in names if folded(name.strip(" \"'")) == folded(target)), None)
        hint = f"did you mean {alike!r}?" if alike else "change the model's target, or the file's header."
        return TargetMissing(
            f"no column is called {target!r}; {hint} If the first row holds values, put a header first",
            line=header.line,
            sample=header.sample,
        )
    near = _nearest(target, names)
    listed = ", ".join(repr(name[:64]) for name in names[:20]) + (", …" if len(names) > 20 else "")
    hint = f"; did you mean {near!r}?" if near else "; change the model's target or the file's header"
    return TargetMissing(f"no column is called {target!r}, the columns are {listed}{hint}", line=header.line)


def _nearest(name: str, names: Sequence[str]) -> str | None:
    folded = {other.strip("# ").casefold(): other for other in reversed(names)}  # a header may begin as a comment
    near = get_close_matches(name.strip().casefold(), folded, n=1, cutoff=0.7)
    return folded[near[0]] if near else None
