"""The pre-flight, written as plainly as can be: `csv.reader`, one row at a time, everything in memory.

What it decides the fast one must decide: the verdict and its line, the bytes of both parts, the profile's counts.
Only definitions that both need are shared: what a header must be, what kind a single value is.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenantml.errors import (
    DatasetError,
    EmptyFile,
    FieldTooLong,
    HeaderOnly,
    NotUtf8,
    NulByte,
    RaggedRow,
    RowTooLong,
    StrayQuote,
    UnclosedQuote,
)
from tenantml_analysis.inspection.columns import Column
from tenantml_analysis.inspection.header import column_names
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.sniffing import UTF8_BOM, refuse_other_formats
from tenantml_analysis.inspection.values import NULLS, Kind, kind_of

STRATA = 256


@dataclass
class Outcome:
    train: bytes
    holdout: bytes
    rows: int
    blank_lines: int
    line_ends: dict[str, int]
    columns: list[dict[str, Any]]
    classes: dict[str, int]
    labelled_rows: int
    first_not_finite: int | None


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
    limit = csv.field_size_limit(settings.field_bytes_max)
    try:
        reader = csv.reader(feed(), strict=True)
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise broken(str(error), taken, settings)("", line=first) from None
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


def inspect(data: bytes, settings: InspectionSettings) -> Outcome:
    refuse_other_formats(data[:4096])
    text = data.removeprefix(UTF8_BOM)
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
            names = column_names(escaped(row.fields), row.text, row.line, settings.target, settings.columns_max)
        elif len(row.fields) != len(names):
            raise RaggedRow("", line=row.line)
        else:
            rows.append(row)
    if header is None:
        raise EmptyFile("")
    if not rows:
        raise HeaderOnly("", line=header.line)
    return summarise(header, rows, names, blank, settings)


def escaped(fields: list[bytes]) -> list[bytes]:
    return [field.replace(b'"', b'""') for field in fields]


def summarise(header: Row, rows: list[Row], names: list[str], blank: int, settings: InspectionSettings) -> Outcome:
    columns = [Column(name, settings.distinct_max) for name in names]
    for row in rows:
        for column, value in zip(columns, escaped(row.fields), strict=True):
            if value in NULLS:
                column.nulls += 1
            else:
                column.add([value])
    labels = [escaped(row.fields)[names.index(settings.target)] for row in rows]
    counts: dict[bytes, int] = {}
    for label in labels:
        if label not in NULLS:
            counts[label] = counts.get(label, 0) + 1
    train, holdout = split(rows, labels, settings)
    ends = [row.text.removeprefix(bare(row.text)) for row in rows]
    odd = [row.line for row, label in zip(rows, labels, strict=True) if label and kind_of(label) == Kind.NOT_FINITE]
    return Outcome(
        train=header.text + train,
        holdout=header.text + holdout,
        rows=len(rows),
        blank_lines=blank,
        line_ends={"lf": ends.count(b"\n"), "crlf": ends.count(b"\r\n"), "cr": ends.count(b"\r")},
        columns=[column.describe(show_values=True) for column in columns],
        classes={value.replace(b'""', b'"').decode(): count for value, count in counts.items()},
        labelled_rows=sum(counts.values()),
        first_not_finite=odd[0] if odd else None,
    )


def split(rows: list[Row], labels: list[bytes], settings: InspectionSettings) -> tuple[bytes, bytes]:
    key = int.from_bytes(hashlib.sha256(settings.seed.encode()).digest()[:8], "big")
    period = max(2, round(1 / settings.holdout_fraction))
    strata: dict[bytes, int] = {}
    seen: dict[int, int] = {}
    train: list[bytes] = []
    held: list[tuple[int, int, bytes]] = []
    level = 0

    def stays(stratum: int, block: int, at: int) -> bool:
        return (block >> (at - 1)) % 2 == mix(key ^ at, stratum, block >> at) % 2

    for row, label in zip(rows, labels, strict=True):
        if label in NULLS:
            train.append(row.text)
            continue
        if len(strata) < STRATA:
            strata.setdefault(label, len(strata))
        stratum = strata.get(label, STRATA)
        block, place = divmod(seen.get(stratum, 0), period)
        seen[stratum] = seen.get(stratum, 0) + 1
        chosen = mix(key, stratum, block) % period == place and all(
            stays(stratum, block, at) for at in range(1, level + 1)
        )
        if not chosen:
            train.append(row.text)
            continue
        held.append((stratum, block, row.text))
        while len(held) > settings.holdout_rows_max or sum(len(text) for *_, text in held) > settings.holdout_bytes_max:
            level += 1
            train += [text for stratum, block, text in held if not stays(stratum, block, level)]
            held = [(stratum, block, text) for stratum, block, text in held if stays(stratum, block, level)]

    spare = max(0, sum(seen.values()) - settings.min_training_rows)
    if len(held) > spare:
        ranked = sorted(range(len(held)), key=lambda i: held[i][:2])
        staying = {ranked[(2 * i + 1) * len(held) // (2 * spare)] for i in range(spare)}
        train += [text for i, (*_, text) in enumerate(held) if i not in staying]
        held = [row for i, row in enumerate(held) if i in staying]
    return b"".join(train), b"".join(text for *_, text in held)


def mix(key: int, stratum: int, block: int) -> int:
    """SplitMix64's finaliser over the three numbers."""
    z = (key + stratum * 0x9E3779B97F4A7C15 + block * 0xD1B54A32D192ED03) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def verdict(data: bytes, settings: InspectionSettings) -> tuple[str, int | None] | Outcome:
    try:
        return inspect(data, settings)
    except DatasetError as error:
        return type(error).__name__, error.line
