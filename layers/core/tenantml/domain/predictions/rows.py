"""Rows: a prediction request, bound by name and type to the columns of the model's training, as the endpoint's CSV.

Messages name the place and never the value: they end in logs.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tenantml.domain.predictions import cells, json_columns
from tenantml.domain.predictions.cells import NULL_WORDS, NUMBERS, Column, Form
from tenantml.errors import (
    HeaderAmongRows,
    InvalidRequest,
    InvalidRow,
    InvalidValue,
    MissingColumn,
    NoRows,
    RepeatedColumn,
    RowTooLarge,
    TooManyRows,
    UnexpectedColumn,
    UnseenCategory,
)

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, and the halves of a character, which JSON can spell and UTF-8 cannot."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a model predicts from: its columns in the order of training, without the target."""

    columns: tuple[Column, ...]
    target: str

    @classmethod
    def from_profile(cls, profile: Mapping[str, Any]) -> Schema:
        """Read the profile that inspecting the training set left; do it once per version, not once per request."""
        columns = (
            Column(found["name"], found["type"], frozenset(found["categories"]) if found.get("categories") else None)
            for found in profile["columns"]
        )
        target = profile["target"]["column"]
        return cls(tuple(column for column in columns if column.name != target), target)


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """One line of UTF-8 CSV per row, in order.

    `advice` is a list of `{code, column, row, rows, message}`: what was let through and may not be what was meant.
    """

    lines: list[bytes]
    advice: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of the rows that one call of the endpoint takes."""

    body: bytes
    row_count: int


def read_json(body: bytes, schema: Schema, *, max_rows: int, reject_unseen: bool = False) -> PreparedRows:
    """Prepare `{"rows": [{column: value}, …]}`; null is an empty field.

    Raises:
        InvalidRequest: the body is not of that form.
        RowError: by its subclass, what of which row and column does not fit.
    """
    names = [column.name for column in schema.columns]
    table = json_columns.read(body, names, {column.name for column in schema.columns if column.type in NUMBERS})
    if table is None:
        rows = _json_rows(body)
        _check_count(len(rows), max_rows)
        for number, row in enumerate(rows, 1):
            if not isinstance(row, tuple):
                raise InvalidRow("expected an object of columns and their values", row=number)
            _check_names((name for name, _ in row), schema, row=number)
        table = [[row[name] for row in map(dict, rows)] for name in names]
    _check_count(len(table[0]), max_rows)
    return _prepare(table, schema, cells.JSON, reject_unseen)


def read_csv(body: bytes, schema: Schema, *, max_rows: int, reject_unseen: bool = False) -> PreparedRows:
    """Prepare CSV with a header (commas, double quotes, UTF-8); an empty field is null.

    Raises:
        InvalidRequest: the body cannot be read as that.
        RowError: by its subclass, what of which row and column does not fit.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8 at byte {error.start + 1}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        rows = list(islice(reader, max_rows + 1))
    except csv.Error as error:
        raise InvalidRequest(f"the body is not CSV at line {reader.line_num}: {error}") from error
    if header:
        _check_names(header, schema, row=None)
    while rows and not rows[-1]:  # blank lines at the end
        rows.pop()
    _check_count(len(rows), max_rows)
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise InvalidRow(f"{len(row)} cells, and the header has {len(header)}", row=number)
    fields = dict(zip(header, zip(*rows, strict=True), strict=True))
    return _prepare([fields[column.name] for column in schema.columns], schema, cells.CSV, reject_unseen)


def batches(lines: Sequence[bytes], max_bytes: int, max_rows: int) -> list[Batch]:
    """Cut lines, in their order, into as few bodies as the endpoint's limits allow.

    A real-time endpoint takes 6,291,456 bytes at once, a serverless one 4 MB (SageMaker, "Endpoints and quotas").

    Raises:
        RowTooLarge: one line alone exceeds `max_bytes`.
    """
    if 0 < len(lines) <= max_rows and sum(map(len, lines)) <= max_bytes:
        return [Batch(b"".join(lines), len(lines))]
    parts: list[list[bytes]] = []
    size_bytes = 0
    for number, line in enumerate(lines, 1):
        if len(line) > max_bytes:
            raise RowTooLarge(f"{len(line)} bytes, and the endpoint takes {max_bytes} at once", row=number)
        if not parts or size_bytes + len(line) > max_bytes or len(parts[-1]) == max_rows:
            parts.append([])
            size_bytes = 0
        parts[-1].append(line)
        size_bytes += len(line)
    return [Batch(b"".join(part), len(part)) for part in parts]


def _json_rows(body: bytes) -> list[Any]:
    try:
        document = json_columns.DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not UTF-8, malformed, or brackets without end
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    is_request = isinstance(document, tuple) and len(document) == 1 and document[0][0] == "rows"
    rows = document[0][1] if is_request else None
    if not isinstance(rows, list):
        raise InvalidRequest('the body must be {"rows": [{"column": value, …}, …]} and hold each key once')
    return rows


def _check_count(row_count: int, max_rows: int) -> None:
    if row_count == 0:
        raise NoRows("the request has no rows to predict")
    if row_count > max_rows:
        raise TooManyRows(f"one request takes at most {max_rows} rows; send the rest in another")


def _check_names(found: Iterable[str], schema: Schema, row: int | None) -> None:
    """Compare the names of the header (row None) or of a row with the schema's."""
    seen: set[str] = set()
    for name in found:
        if name in seen:
            raise RepeatedColumn("the column comes twice", row=row, column=name)
        seen.add(name)
    names = [column.name for column in schema.columns]
    for name in names:
        if name not in seen:
            raise MissingColumn(
                f"the model was trained with {len(names)} columns, and this one is missing", row=row, column=name
            )
    for name in seen.difference(names):
        what = "is what the model predicts" if name == schema.target else "is none that the model was trained with"
        raise UnexpectedColumn(f"the column {what}; leave it out", row=row, column=name)


def _prepare(table: Sequence[Sequence[Any]], schema: Schema, form: Form, reject_unseen: bool) -> PreparedRows:
    """Take the values column by column, in the schema's order, to lines."""
    _refuse_header_row(table, schema)
    converted = []
    advice = []
    for values, column in zip(table, schema.columns, strict=True):
        found = cells.convert(values, column, form)
        converted.append(found)
        if column.type == "category" and column.categories:
            unseen = set(found) - column.categories - NULL_WORDS - {""}
            if unseen:
                advice.append(_unseen(found, unseen, column, reject_unseen))
    fields = [
        found if column.type in NUMBERS else _fields(found, column)
        for found, column in zip(converted, schema.columns, strict=True)
    ]
    if len(fields) == 1:  # an empty line would be no row
        fields = [[field or b'""' for field in fields[0]]]
    return PreparedRows([b"%s\n" % line for line in map(b",".join, zip(*fields, strict=True))], advice)


def _fields(texts: Sequence[str], column: Column) -> list[bytes]:
    try:
        return cells.fields(texts)
    except ValueError:
        row = next(number for number, text in enumerate(texts, 1) if _UNWRITABLE.search(text))
        raise InvalidValue("the text holds a character that no CSV file can", row=row, column=column.name) from None


def _refuse_header_row(table: Sequence[Sequence[Any]], schema: Schema) -> None:
    """A model of one column cannot tell its name from a value of the same text."""
    names = tuple(column.name for column in schema.columns)
    if len(names) > 1 and names[0] in table[0]:
        for number, row in enumerate(zip(*table, strict=True), 1):
            if row == names:
                raise HeaderAmongRows("the row repeats the names of the columns; send the header once", row=number)


def _unseen(found: Sequence[Any], unseen: set[str], column: Column, reject: bool) -> dict[str, Any]:
    rows = [number for number, cell in enumerate(found, 1) if cell in unseen]
    message = "the value is none of the categories seen in training"
    if reject:
        raise UnseenCategory(message, row=rows[0], column=column.name)
    return {
        "code": UnseenCategory.__name__,
        "column": column.name,
        "row": rows[0],
        "rows": len(rows),
        "message": message,
    }
