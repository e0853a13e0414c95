"""The pre-flight: one pass over an upload that ends in a verdict, a profile, advice and the two parts of the split."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tenantml.errors import EmptyFile, HeaderOnly, UploadTooLarge
from tenantml_analysis.inspection.advice import Sample, advise, personal_data_in
from tenantml_analysis.inspection.classes import Target
from tenantml_analysis.inspection.header import column_names
from tenantml_analysis.inspection.profiling import Columns
from tenantml_analysis.inspection.reader import Reader
from tenantml_analysis.inspection.records import Limits
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.sniffing import SNIFFED_BYTES, UTF8_BOM, refuse_other_formats
from tenantml_analysis.inspection.split import Sink, Splitter

PROFILE_FORMAT = 1
REUSED_BYTES = 24 * 1024**2


@dataclass(frozen=True)
class Inspection:
    """What a pre-flight found: rows per part, the profile and the advice, both fit for JSON."""

    train_rows: int
    holdout_rows: int
    profile: dict[str, Any]
    advice: list[dict[str, Any]]


def inspect(chunks: Iterable[bytes], settings: InspectionSettings, train: Sink, holdout: Sink) -> Inspection:
    """Read a CSV once and write its training part and its holdout, each with the header (byte-order mark stripped).

    The text of every row is kept byte for byte; only a missing line terminator of the last row is added, and empty
    lines are left out. Rows without a target go to training. `train` is written to during the pass: when this raises,
    throw both parts away.

    Raises:
        DatasetError: the verdict, named by its subclass.
        UploadTooLarge: the stream is longer than the settings allow.
    """
    _reuse_memory()
    reader = Reader(
        _capped(chunks, settings.size_bytes_max),
        Limits(settings.field_bytes_max, settings.row_bytes_max),
        settings.block_bytes,
    )
    head = reader.head(SNIFFED_BYTES)
    refuse_other_formats(head)
    bom = head.startswith(UTF8_BOM)
    reader.skip(len(UTF8_BOM) if bom else 0)
    found = reader.header()
    if found is None:
        raise EmptyFile("the file is empty; upload a CSV with a header and rows")
    record, header, line = found
    names = column_names(record.fields, header, line, settings.target, settings.columns_max)

    columns = Columns(names, settings.distinct_max)
    target = Target(names.index(settings.target), settings)
    duplicates = _Duplicates(settings.duplicate_rows_checked)
    splitter = Splitter(
        train,
        settings.seed,
        fraction=settings.holdout_fraction,
        rows_max=settings.holdout_rows_max,
        bytes_max=settings.holdout_bytes_max,
    )
    line_ends = {"lf": 0, "crlf": 0, "cr": 0}
    quoted = False
    for part in (train, holdout):
        part.write(header)
    for rows in reader.rows(len(names)):
        columns.add(rows)
        splitter.add(rows.text, rows.starts, target.add(rows))
        duplicates.add(rows)
        quoted |= rows.quoted
        for kind, count in rows.line_ends.items():
            line_ends[kind] += count
    if not splitter.rows:
        raise HeaderOnly("there is a header and no row below it; upload the rows too", line=line)

    described = columns.conclude()
    concluded = target.conclude(described[names.index(settings.target)])
    sample = _sample(splitter.held_out, names, settings)
    personal = {
        column.name: what
        for column, values in zip(described, sample.columns, strict=True)
        if (what := personal_data_in(column, values, settings.personal_data_share))
    }
    profile = {
        "format": PROFILE_FORMAT,
        "rows": splitter.rows,
        "size_bytes": reader.size_bytes,
        "encoding": {
            "charset": "utf-8",
            "bom": bom,
            "line_ends": line_ends,
            "final_newline": reader.final_newline,
            "blank_lines": reader.blank_lines,
            "quoted": quoted,
        },
        "target": concluded,
        "columns": [column.describe(show_values=column.name not in personal) for column in described],
    }
    advice = advise(described, concluded, personal, sample, duplicates.found, splitter.rows, settings)
    splitter.finish(holdout, target.labelled_rows, settings.min_training_rows)
    held_out = len(splitter.held_out)
    return Inspection(splitter.rows - held_out, held_out, profile, advice)


def _reuse_memory() -> None:
    """Have the C library keep the memory of one block's arrays for the next one's.

    By default glibc asks the kernel anew for each array of some hundred kilobytes, which cost a fifth of all time. It
    learns from a large piece that is freed (mallopt(3), M_MMAP_THRESHOLD); this one is never written to.
    """
    np.empty(REUSED_BYTES, np.uint8)


def _capped(chunks: Iterable[bytes], size_bytes_max: int | None) -> Iterable[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size_bytes_max is not None and size > size_bytes_max:
            raise UploadTooLarge(
                f"the upload is larger than the {size_bytes_max:,} bytes that the model's settings allow"
            )
        yield chunk


class _Duplicates:
    """Counts rows that repeat an earlier one, among the first so many."""

    def __init__(self, rows_max: int):
        self._rows_max = rows_max
        self._hashes: set[int] = set()
        self._checked = 0

    def add(self, rows: Rows) -> None:
        starts = rows.starts[: self._rows_max - self._checked + 1].tolist()
        if len(starts) <= self._rows_max - self._checked:
            starts.append(len(rows.text))
        self._hashes.update(hash(rows.text[start:end]) for start, end in pairwise(starts))
        self._checked += len(starts) - 1

    @property
    def found(self) -> tuple[int, int]:
        """How many rows repeat an earlier one, of how many."""
        return self._checked - len(self._hashes), self._checked


def _sample(held_out: list[bytes], names: list[str], settings: InspectionSettings) -> Sample:
    """Draw rows evenly from those held out before any goes back to training, within the sample's bounds."""
    size = sum(map(len, held_out))
    rows = min(len(held_out), settings.sample_rows, max(1, len(held_out) * settings.sample_bytes // max(1, size)))
    drawn = [held_out[i * len(held_out) // rows] for i in range(rows)] if held_out else []
    rows_read = csv.reader(text.decode("latin-1") for text in drawn)  # each text is one row, whatever ends lines in it
    values = ["\0".join(row).encode("latin-1").split(b"\0") for row in rows_read]  # no value holds a NUL
    columns = [list(column) for column in zip(*values, strict=True)] or [[] for _ in names]
    return Sample(columns, columns[names.index(settings.target)])
