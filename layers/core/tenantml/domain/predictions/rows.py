"""Rows: a prediction request, bound by name and type to the columns of the model's training, as the endpoint's CSV.

Messages name the place and never the value: they end in logs. A name that a request sends is shown only beside names
of the model's, since the first line of a CSV without a header holds cells.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from tenantml.domain.meaning import OTHER_SEPARATORS
from tenantml.domain.predictions import cells
from tenantml.domain.predictions.cells import NUMBERS, Column, NotJson
from tenantml.errors import (
    HeaderAmongRows,
    InvalidRequest,
    InvalidRow,
    MissingColumn,
    NoRows,
    RepeatedColumn,
    RowTooLarge,
    TooManyRows,
    UnexpectedColumn,
    UnseenCategory,
)

_COMPARED_NAMES = 200  # at most so many, of at most so many characters, are looked through for one that was meant
_COMPARED_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Schema:
    """What a model predicts from and what it answers.

    `columns` are those of training in their order, without the target; `ignored` are taken and left out; `classes` are
    the target's as the training file writes them, none for a regression.
    """

    columns: tuple[Column, ...]
    target: str
    ignored: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))

    @classmethod
    def from_profile(cls, profile: Mapping[str, Any]) -> Schema:
        """Read the profile that inspecting the training set left; do it once per version, not once per request."""
        target = profile["target"]["column"]
        return cls(
            columns=tuple(cells.column_of(entry) for entry in profile["columns"] if entry["name"] != target),
            target=target,
            ignored=frozenset(profile.get("ignore_columns") or ()),
            classes=tuple(entry["value"] for entry in profile["target"].get("classes") or ()),
        )


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """One line of UTF-8 CSV per row, in order.

    `advice` is a list of `{code, column, row, rows, message}`: what was let through and may not be what was meant.
    `values` are the same rows by column, as training would have read them.
    """

    lines: list[bytes]
    advice: list[dict[str, Any]]
    values: list[Sequence[str]] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of the rows that one call of the endpoint takes."""

    body: bytes
    row_count: int


class _Repeating(tuple[str, ...]):
    """The names of an object of a JSON document that holds one of them twice."""

    __slots__ = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Repeating:
    row = dict(pairs)
    return row if len(row) == len(pairs) else _Repeating(name for name, _ in pairs)


def _decoder(**options: Any) -> json.JSONDecoder:
    """Return what reads numbers as their own digits (`cells.JsonNumber`)."""
    return json.JSONDecoder(parse_int=str.encode, parse_float=str.encode, parse_constant=NotJson, **options)


_OBJECTS = (dict, _Repeating)
_DECODER = _decoder()
_SLOW_DECODER = _decoder(object_pairs_hook=_object)
"""Sees a name that comes twice, and takes two to four times as long."""


def read_json(body: bytes, schema: Schema, *, max_rows: int, reject_unseen: bool = False) -> PreparedRows:
    """Prepare `{"rows": [{column: value}, …]}`; null is an empty field.

    Raises:
        InvalidRequest: the body is not of that form.
        RowError: by its subclass, what of which row and column does not fit.
    """
    rows = _json_rows(body)
    _check_count(len(rows), max_rows)
    orders: dict[tuple[str, ...], Callable[[Any], Iterable[Any]]] = {}  # apps write all rows in one order
    ordered = []
    for number, row in enumerate(rows, 1):
        if type(row) not in _OBJECTS:
            raise InvalidRow("expected an object of columns and their values", row=number)
        names = tuple(row)
        if names not in orders:
            _check_names(names, schema, row=number)
            orders[names] = dict.values if names == schema.names else _values_of(schema.names)
        ordered.append(orders[names](row))
    return _prepare(list(zip(*ordered, strict=True)), schema, reject_unseen, in_json=True)


def read_csv(body: bytes, schema: Schema, *, max_rows: int, reject_unseen: bool = False) -> PreparedRows:
    """Prepare CSV with a header (commas, double quotes, UTF-8); an empty field is null.

    Raises:
        InvalidRequest: the body cannot be read as that.
        RowError: by its subclass, what of which row and column does not fit.
    """
    reader = cells.csv_reader(_text(body))
    try:
        header = next(filter(None, reader), [])  # as in a file, blank lines above it do not count
        rows = list(islice(reader, max_rows + 1))
    except csv.Error as error:
        raise InvalidRequest(
            f"the body is not CSV at line {reader.line_num}: {error}; quote a cell that holds quotes, commas or line "
            "breaks, and double the quotes in it"
        ) from error
    if not header:
        raise NoRows("the request has no rows to predict")
    check_header(header, schema)
    while rows and not rows[-1]:  # blank lines at the end
        rows.pop()
    _check_count(len(rows), max_rows)
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise InvalidRow(f"{len(row)} cells, and the header has {len(header)}", row=number)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    return _prepare([columns[name] for name in schema.names], schema, reject_unseen, in_json=False)


def check_header(header: Sequence[str], schema: Schema) -> None:
    """Refuse the header of a CSV whose columns are not the model's.

    Raises:
        RowError: by its subclass, which column is missing, extra or repeated.
    """
    if not set(schema.names).intersection(header):
        raise _no_header(header, schema)
    _check_names(header, schema, row=None)


def prepare(columns: Mapping[str, Sequence[str]], schema: Schema, *, reject_unseen: bool) -> PreparedRows:
    """Prepare rows of a CSV whose header was checked, given by column.

    Raises:
        RowError: by its subclass, what of which row and column does not fit.
    """
    return _prepare([columns[name] for name in schema.names], schema, reject_unseen, in_json=False)


def bind(columns: Mapping[str, Sequence[str]], schema: Schema) -> PreparedRows:
    """Prepare rows of a file, given by column; columns that the model was not trained with are left out.

    Raises:
        RowError: by its subclass, what of which row and column does not fit.
    """
    names = set(schema.names)
    known = {name: values for name, values in columns.items() if name in names}
    _check_names(tuple(known), schema, row=None)
    return _prepare([known[name] for name in schema.names], schema, reject_unseen=False, in_json=False)


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


def _text(body: bytes) -> str:
    try:
        return body.decode().lstrip("\ufeff")  # as many marks as there are: joined files have more than one
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8 at byte {error.start + 1}; save or send it as UTF-8") from error


def _json_rows(body: bytes) -> list[Any]:
    try:
        document = _decoded(_text(body))
    except (ValueError, RecursionError) as error:  # malformed, or brackets without end
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    rows = document["rows"] if type(document) is dict and document.keys() == {"rows"} else None
    if type(rows) is not list:
        raise InvalidRequest('the body must be {"rows": [{"column": value, …}, …]} and hold each key once')
    return rows


def _decoded(text: str) -> Any:
    """Return a document whose objects are dictionaries, or `_Repeating`."""
    if "\\" not in text or r"\"" not in text:  # with quotes inside texts, the next comparison would say nothing
        document = _DECODER.decode(text)
        if text.count('"') == 2 * _count_strings(document):  # no name and text was lost to another of the same name
            return document
    return _SLOW_DECODER.decode(text)


def _count_strings(document: Any) -> int:
    """Return how many names and texts the document of a usual request holds; of any other, fewer than it does."""
    rows = document.get("rows") if type(document) is dict else None
    if type(rows) is not list or set(map(type, rows)) != {dict}:
        return 0
    types = list(map(type, chain.from_iterable(map(dict.values, rows))))
    return len(document) + len(types) + types.count(str)


def _check_count(row_count: int, max_rows: int) -> None:
    if row_count == 0:
        raise NoRows("the request has no rows to predict")
    if row_count > max_rows:
        raise TooManyRows(f"one request takes at most {max_rows} rows; send the rest in another")


def _check_names(sent: Sequence[str], schema: Schema, row: int | None) -> None:
    """Refuse names, sent in a row or in the header (row None), that are not the model's columns once each."""
    places = {name: place for place, name in enumerate(sent)}
    known = set(schema.names)
    for name in schema.names:
        if name not in places:
            raise MissingColumn(
                f"the model was trained with {len(schema.names)} columns, and this one is missing"
                + _meant(name, [other for other in places if other not in known]),
                row=row,
                column=name,
            )
    if len(places) < len(sent):
        repeated = next(name for place, name in enumerate(sent) if places[name] != place)
        raise RepeatedColumn("the column comes twice", row=row, column=repeated)
    for name in sent:
        if name == schema.target:
            raise UnexpectedColumn("the column is what the model predicts; leave it out", row=row, column=name)
        if name not in known and name not in schema.ignored:
            message = "the column is none that the model was trained with; leave it out"
            raise UnexpectedColumn(message, row=row, column=name)


def _values_of(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)


def _meant(name: str, others: Sequence[str]) -> str:
    """Name what may have been meant by another name, as the end of a message."""
    short = [other for other in others[:_COMPARED_NAMES] if len(other) <= _COMPARED_CHARACTERS]
    near = get_close_matches(name, short, n=1) if len(name) <= _COMPARED_CHARACTERS else []
    return f"; did you mean it by {near[0]!r}?" if near else "; send it, empty or null if unknown"


def _no_header(first_line: Sequence[str], schema: Schema) -> MissingColumn:
    """Return the refusal of a CSV whose first line holds no name of the model's, and show nothing of that line."""
    message = "the first line holds none of the model's columns; begin with a header that names them"
    for separator, word in OTHER_SEPARATORS.items():
        if not set(schema.names).isdisjoint(",".join(first_line).split(separator)):
            message = f"the cells seem to be separated by {word}; separate them by commas"
    return MissingColumn(message, column=schema.names[0])


def _prepare(table: Sequence[Sequence[Any]], schema: Schema, reject_unseen: bool, *, in_json: bool) -> PreparedRows:
    """Take the values column by column, in the schema's order, to lines."""
    _refuse_header_row(table, schema)
    read, converted = [], []
    quotes = []  # which columns have them: they are put around once, as a row is written, and not cell by cell
    advice = []
    for values, column in zip(table, schema.columns, strict=True):
        texts = cells.convert(values, column, in_json=in_json)
        read.append(texts)
        written, quoted = (texts, False) if column.type in NUMBERS else cells.fields(texts, column)
        converted.append(written)
        quotes.append(quoted)
        if column.type == "category" and column.categories and (unseen := set(texts) - column.categories - {""}):
            advice.append(_unseen(texts, unseen, column, reject_unseen))
    if quotes == [False]:  # an empty line would be no row
        converted = [[text or '""' for text in converted[0]]]
    rows = zip(*converted, strict=True)
    form = ",".join('"%s"' if quoted else "%s" for quoted in quotes)
    lines = (form % row for row in rows) if any(quotes) else map(",".join, rows)
    return PreparedRows([f"{line}\n".encode() for line in lines], advice, read)


def _refuse_header_row(table: Sequence[Sequence[Any]], schema: Schema) -> None:
    """A model of one column cannot tell its name from a value of the same text."""
    if len(schema.names) > 1 and schema.names[0] in table[0]:
        for number, row in enumerate(zip(*table, strict=True), 1):
            if row == schema.names:
                raise HeaderAmongRows("the row repeats the names of the columns; send the header once", row=number)


def _unseen(texts: Sequence[str], unseen: set[str], column: Column, reject: bool) -> dict[str, Any]:
    rows = [number for number, text in enumerate(texts, 1) if text in unseen]
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
