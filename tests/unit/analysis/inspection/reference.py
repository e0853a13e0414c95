"""The pre-flight, written as plainly as can be: `csv.reader`, one row at a time, everything in memory.

What it decides the fast one must decide: the verdict and its line, the bytes of both parts, the profile's counts.
Only definitions that both need are shared: what a header must be, and what a text means.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tenantml.domain import meaning
from tenantml.domain.training.holdout_rule import hashed_columns
from tenantml.errors import (
    DatasetError,
    EmptyFile,
    ExponentTooLong,
    FieldTooLong,
    HeaderOnly,
    NotUtf8,
    NulByte,
    RaggedRow,
    RepeatedHeader,
    RowTooLong,
    StrayQuote,
    UnclosedQuote,
)
from tenantml_analysis.inspection.header import Header, column_names, refuse_delimiter_after_quote
from tenantml_analysis.inspection.preflight import ROWS_BELOW_HEADER
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.sniffing import UTF8_BOM, refuse_other_formats

STRATA = 256


@dataclass
class Outcome:
    header: bytes
    staged: list[bytes]
    holdout: Callable[..., list[bytes] | None]
    rows: int
    blank_lines: int
    line_ends: dict[str, int]
    columns: list[dict[str, Any]]
    classes: dict[str, int]
    labelled_rows: int
    first_not_finite: dict[str, int]


@dataclass
class Row:
    line: int
    text: bytes
    fields: list[bytes]


def bare(line: bytes) -> bytes:
    return re.sub(rb"(\r\n|\r|\n)\Z", b"", line)


def read(text: bytes, settings: InspectionSettings) -> Iterator[Row]:
    """Let `csv.reader` read, and keep the lines that it took for each row."""
    taken: list[bytes] = []
    first = 1

    def feed() -> Iterator[str]:
        nonlocal lines_taken
        for line in re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)", text):
            if len(b"".join(taken)) + len(bare(line)) > settings.row_bytes_max:
                raise RowTooLong("", line=first)
            taken.append(line)
            lines_taken += 1
            yield line.decode("latin-1")

    lines_taken = 0
    has_header = False
    limit = csv.field_size_limit(settings.field_bytes_max)
    try:
        reader = csv.reader(feed(), strict=True)
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                kind = broken(str(error), taken, settings)
                if kind is StrayQuote and not has_header:
                    refuse_delimiter_after_quote(b"".join(taken), first, None)
                raise kind("", line=first) from None
            has_header = has_header or bool(fields)
            yield Row(first, b"".join(taken), [field.encode("latin-1") for field in fields])
            taken.clear()
            first = lines_taken + 1
    finally:
        csv.field_size_limit(limit)


def broken(message: str, taken: list[bytes], settings: InspectionSettings) -> type[DatasetError]:
    if message == "unexpected end of data":
        return UnclosedQuote
    if message == "',' expected after '\"'":
        return StrayQuote
    assert message == f"field larger than field limit ({settings.field_bytes_max})"
    csv.field_size_limit(10**9)
    fields = next(csv.reader(line.decode("latin-1") for line in taken))
    longest = next(field for field in fields if len(field) > settings.field_bytes_max)
    return UnclosedQuote if set(longest[: settings.field_bytes_max]) & set("\r\n") else FieldTooLong


def refuse_bad_bytes(row: Row) -> None:
    if b"\0" in row.text:
        raise NulByte("", line=row.line + len(re.findall(rb"\r\n|\r|\n", row.text[: row.text.index(b"\0")])))
    try:
        row.text.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8("", line=row.line + len(re.findall(rb"\r\n|\r|\n", row.text[: error.start]))) from None


def is_again(fields: list[bytes], header: list[bytes]) -> bool:
    first = fields[0].removeprefix(UTF8_BOM)
    return [first, *fields[1:]] == header or [first, *fields[1:]] == [b'"' + header[0] + b'"', *header[1:]]


def refuse_long_exponents(rows: list[Row], names: list[str], settings: InspectionSettings) -> None:
    for row in rows:
        for name, field in zip(names, row.fields, strict=True):
            if name not in settings.ignore_columns and meaning.is_unreadable(field.decode()):
                raise ExponentTooLong("", line=row.line, column=name)


def rows_below(text: bytes, settings: InspectionSettings) -> list[tuple[int, list[bytes]]]:
    """The first rows below the header, up to the first that is not well formed."""
    rows: list[tuple[int, list[bytes]]] = []
    try:
        for row in read(text, settings):
            if row.fields:
                if rows:
                    refuse_bad_bytes(row)
                rows.append((row.line, escaped(row.fields)))
            if len(rows) > ROWS_BELOW_HEADER:
                break
    except DatasetError:
        pass
    return rows[1:]


def inspect(data: bytes, settings: InspectionSettings) -> Outcome:
    refuse_other_formats(data[:4096])
    text = data
    while text.startswith(UTF8_BOM):
        text = text.removeprefix(UTF8_BOM)
    if text and not text.endswith((b"\r", b"\n")):
        text += b"\n"
    rows: list[Row] = []
    header: Row | None = None
    names: list[str] = []
    blank = 0
    for row in read(text, settings):
        refuse_bad_bytes(row)
        if not row.fields:
            blank += 1
        elif header is None:
            header = row
            names = column_names(
                Header(row.line, escaped(row.fields), row.text, lambda: rows_below(text, settings)),
                settings.target,
                settings.ignore_columns,
                settings.columns_max,
            )
        elif len(row.fields) != len(names):
            raise RaggedRow("", line=row.line)
        elif is_again(row.fields, header.fields):
            raise RepeatedHeader("", line=row.line)
        else:
            rows.append(row)
    if header is None:
        raise EmptyFile("")
    if not rows:
        raise HeaderOnly("", line=header.line)
    refuse_long_exponents(rows, names, settings)
    return summarise(header, rows, names, blank, settings)


def escaped(fields: list[bytes]) -> list[bytes]:
    return [field.replace(b'"', b'""') for field in fields]


def summarise(header: Row, rows: list[Row], names: list[str], blank: int, settings: InspectionSettings) -> Outcome:
    kept = [number for number, name in enumerate(names) if name not in settings.ignore_columns]
    cells = [[escaped(row.fields)[number] for row in rows] for number in kept]
    columns = [describe(names[number], values, settings) for number, values in zip(kept, cells, strict=True)]
    labels = [escaped(row.fields)[names.index(settings.target)] for row in rows]
    counts: dict[bytes, int] = {}
    for label in labels:
        if not is_missing(label):
            counts[label] = counts.get(label, 0) + 1
    ends = [row.text.removeprefix(bare(row.text)) for row in rows]
    not_finite: dict[str, int] = {}
    for number, values in zip(kept, cells, strict=True):
        for row, value in zip(rows, values, strict=True):
            nan = value.lstrip(b"-").lower() == b"nan" and is_missing(value) and names[number] == settings.target
            if nan or is_infinite(value):
                not_finite.setdefault(names[number], row.line)
    return Outcome(
        header=staged(header, kept),
        staged=[staged(row, kept) for row in rows],
        holdout=partial(split, rows, labels, names, kept, settings),
        rows=len(rows),
        blank_lines=blank,
        line_ends={"lf": ends.count(b"\n"), "crlf": ends.count(b"\r\n"), "cr": ends.count(b"\r")},
        columns=columns,
        classes={value.replace(b'""', b'"').decode(): count for value, count in counts.items()},
        labelled_rows=sum(counts.values()),
        first_not_finite=not_finite,
    )


def is_missing(value: bytes) -> bool:
    return meaning.is_missing(value.decode())


def is_infinite(value: bytes) -> bool:
    number = None if is_missing(value) else meaning.number_of(value.decode())
    return number is not None and math.isinf(number)


def describe(name: str, values: list[bytes], settings: InspectionSettings) -> dict[str, Any]:
    held = [value.decode() for value in values if not is_missing(value)]
    distinct = set(held)
    capped = len(distinct) > settings.distinct_max
    numbers = list(map(meaning.number_of, distinct))
    dates = list(map(meaning.date_of, distinct))
    if not held:
        kind = "empty"
    elif all(number is not None for number in numbers):
        kind = "integer" if all(isinstance(number, int) for number in numbers) else "number"
    elif all(meaning.boolean_of(text) is not None for text in distinct):
        kind = "boolean"
    elif all(date is not None for date in dates):
        kind = "datetime" if any(date.time for date in dates if date) else "date"
    else:
        kind = "text" if capped or any(len(text.encode()) > 100 for text in distinct) else "category"
    found: dict[str, Any] = {
        "name": name,
        "type": kind,
        "nulls": len(values) - len(held),
        "distinct": settings.distinct_max if capped else len(distinct),
        "distinct_capped": capped,
        "constant": len(distinct) == 1 and len(held) == len(values),
    }
    if kind in ("integer", "number"):
        finite = [number for number in numbers if number is not None and math.isfinite(number)]
        low, high = (min(finite), max(finite)) if finite else (None, None)
        if kind == "number" and low is not None and high is not None:
            low, high = float(low), float(high)
        found |= {"min": low, "max": high, "finite": len(finite) == len(numbers)}
    if kind in ("date", "datetime"):
        found["form"] = form_of(held)
    if kind in ("category", "boolean"):
        found["categories"] = sorted(text.replace('""', '"') for text in distinct)
    return found


def form_of(texts: list[str]) -> str | list[str] | None:
    """The forms in the order in which they come; both orders of a text that no text tells apart."""
    seen: list[list[str]] = []
    for text in texts:
        date = meaning.date_of(text)
        assert date is not None
        forms = [date.form] + ([meaning.MONTH_FIRST[date.form]] if date.form in meaning.MONTH_FIRST else [])
        forms = [form for form in forms if date.is_day_of(form)]
        if forms not in seen:
            seen.append(forms)
    certain = {forms[0] for forms in seen if len(forms) == 1}
    left = [forms for forms in seen if len(forms) == 1 or not certain & set(forms)]
    if len(left) == 1:
        return left[0][0] if len(left[0]) == 1 else None
    return [form for forms in left for form in forms]


def staged(row: Row, kept: list[int]) -> bytes:
    """The row as it is trained on: some of its fields, byte for byte but for blanks alone, which go."""
    field = rb'"(?:[^"]|"")*"|[^,\r\n]*'
    texts = [match[1] for match in re.finditer(rb"(?:\A|,)(" + field + rb")", bare(row.text))]
    assert len(texts) == len(row.fields)
    left = [re.sub(rb'\A("?)[ \t]+("?)\Z', rb"\1\2", texts[number]) for number in kept]
    return b",".join(left) + row.text.removeprefix(bare(row.text))


def split(
    rows: list[Row],
    labels: list[bytes],
    names: list[str],
    kept: list[int],
    settings: InspectionSettings,
    *,
    classes: bool,
) -> list[bytes] | None:
    """The rows that a first training holds out, in order; None when they outgrow their bounds and are thinned, or
    when it depends on the order of rows.
    """
    hashed = hashed_columns(names, settings.target, settings.ignore_columns, settings.entity_column)
    hashes = [row_hash(dict(zip(names, escaped(row.fields), strict=True)), hashed, settings.salt) for row in rows]
    strata: dict[bytes, int] = {}
    stratum = [None if is_missing(label) else min(strata.setdefault(label, len(strata)), STRATA) for label in labels]
    labelled = [at for at, number in enumerate(stratum) if number is not None]
    totals = Counter(stratum[at] for at in labelled)
    threshold = int(settings.holdout_fraction * 2**64)
    held = {hashes[at] for at in labelled if hashes[at] < threshold}
    counts = Counter(hashes[at] for at in labelled)
    sizes = [len(staged(rows[at], kept)) for at in labelled]
    lowest = {number: min(hashes[at] for at in labelled if stratum[at] == number) for number in totals}
    if sum(counts[number] for number in held) > settings.holdout_rows_max or sum(sizes) > settings.holdout_bytes_max:
        return None
    held -= {number for number in held if counts[number] > max(1, settings.holdout_rows_max // 20)}
    if classes:
        of_class = Counter((hashes[at], stratum[at]) for at in labelled)
        without = {
            number for number in totals if not any(stratum[at] == number and hashes[at] in held for at in labelled)
        }
        room = settings.holdout_rows_max - sum(counts[number] for number in held)
        for number in sorted(without, key=lowest.__getitem__):
            chances = of_class[lowest[number], number]
            if chances != counts[lowest[number]]:
                return None  # also of another label: then it depends on the order
            if chances <= 20 and totals[number] - chances >= settings.class_rows_min:
                room -= chances
                held |= {lowest[number]} if room >= 0 else set()
    to_holdout = len([number for number in held if number >= threshold])
    share = threshold / 2**64
    most = share * len(labelled) + 5 * math.sqrt(share * (1 - share) * len(labelled)) + to_holdout + 1
    while sum(counts[number] for number in held) > most:
        held.remove(max(held, key=lambda number: (counts[number], -number)))
    class_rows_min = settings.class_rows_min if classes else 0
    for number in sorted(held, reverse=True):
        training = Counter(stratum[at] for at in labelled if hashes[at] not in held)
        group = {stratum[at] for at in labelled if hashes[at] == number}
        if training.total() < settings.min_training_rows or any(training[one] < class_rows_min for one in group):
            held.remove(number)
    return [staged(rows[at], kept) for at in labelled if hashes[at] in held]


def row_hash(row: dict[str, bytes], hashed: list[str], salt: str) -> int:
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()

    def keyed(text: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=key).digest(), "little")

    total = 0
    for name in hashed:
        value = row[name]
        number = 0 if is_missing(value) else keyed(value) if len(value) > 256 else folded(key_of(value))
        total += number * (keyed(name.encode()) | 1)
    total %= 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        total = (total ^ (total >> shift)) * factor % 2**64
    return total ^ (total >> 31)


def folded(number: int) -> int:
    return number ^ (number >> 32)


def key_of(value: bytes) -> int:
    words = [int.from_bytes(value[at : at + 8], "little") for at in range(0, len(value), 8)]
    if len(words) < 2:
        return sum(words)
    factors = [
        0x9E3779B97F4A7C15,
        *((0xBF58476D1CE4E5B9 * (2 * at + 1) ^ 0x94D049BB133111EB) % 2**64 | 1 for at in range(31)),
    ]
    return sum(folded(word) * factor for word, factor in zip(words, factors, strict=False)) % 2**64


def verdict(data: bytes, settings: InspectionSettings) -> tuple[str, int | None] | Outcome:
    try:
        return inspect(data, settings)
    except DatasetError as error:
        return type(error).__name__, error.line
