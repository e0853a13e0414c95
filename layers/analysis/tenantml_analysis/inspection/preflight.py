"""The pre-flight: one pass over an upload that ends in a verdict, a profile, advice and the two parts of the split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from tenantml.domain.training.holdout_rule import HoldoutRule, hashed_columns
from tenantml.errors import (
    EmptyFile,
    ExponentTooLong,
    FeatureNotFinite,
    HeaderOnly,
    NoFeatures,
    StrayQuote,
    UploadTooLarge,
)
from tenantml_analysis.inspection import binning
from tenantml_analysis.inspection.advice import Advice, Findings, advise, personal_data_in
from tenantml_analysis.inspection.almost import Almost, Lines, almost
from tenantml_analysis.inspection.assignment import Assignment
from tenantml_analysis.inspection.classes import Target
from tenantml_analysis.inspection.columns import Column, Place
from tenantml_analysis.inspection.header import Header, column_names, refuse_delimiter_after_quote
from tenantml_analysis.inspection.profiling import Columns
from tenantml_analysis.inspection.reader import Reader
from tenantml_analysis.inspection.records import Limits, Record
from tenantml_analysis.inspection.redaction import redacted
from tenantml_analysis.inspection.row_arrays import Rows, rows_of
from tenantml_analysis.inspection.row_hashes import RowHasher
from tenantml_analysis.inspection.sampling import Sample, Sampler
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.sniffing import SNIFFED_BYTES, UTF8_BOM, refuse_other_formats
from tenantml_analysis.inspection.split import UNLABELLED, Sink, Splitter
from tenantml_analysis.inspection.values import Kind
from tenantml_analysis.inspection.words import Ints

PROFILE_FORMAT = 3  # 2: the form of dates; 3: bins
ROWS_BELOW_HEADER = 10  # are looked at when the header is judged
REUSED_BYTES = 24 * 1024**2


@dataclass(frozen=True)
class Inspection:
    """What a pre-flight found: the rows that are trained on (those without a target, which Autopilot leaves out, are in
    the part and not counted) and held out, the profile and the advice, both fit for JSON; the rule of the holdout, and
    the hashes of its rows, in order.
    """

    train_rows: int
    holdout_rows: int
    profile: dict[str, Any]
    advice: list[Advice]
    rule: HoldoutRule
    holdout_hashes: list[int]


def inspect(chunks: Iterable[bytes], settings: InspectionSettings, train: Sink, holdout: Sink) -> Inspection:
    """Read a CSV once and write its training part and its holdout, each with the header (byte-order mark stripped).

    The text of every row is kept byte for byte; only a missing line terminator of the last row is added, and empty
    lines are left out. Rows without a target go to training. `train` is written to during the pass: when this raises,
    throw both parts away.

    Raises:
        DatasetError: the verdict, named by its subclass.
        UploadTooLarge: the stream is longer than the settings allow.
    """
    inspector = Inspector(chunks, settings, train, holdout)
    inspector.read()
    return inspector.conclude()


class Inspector:
    """The pass of `inspect`, which can stop between two blocks and be resumed by another process.

    What it has found so far is bounded, and is all that is pickled: `checkpoint` stores it, and `resume` gives it the
    rest of the file. Where it stops changes nothing of the outcome.
    """

    def __init__(self, chunks: Iterable[bytes], settings: InspectionSettings, train: Sink, holdout: Sink):
        """Read the header, and write it to both parts.

        Raises:
            DatasetError: there is none that a model can be trained by.
        """
        _reuse_memory()
        self.settings = settings
        self._reader = reader = Reader(
            _capped(chunks, settings.size_bytes_max, 0),
            Limits(settings.field_bytes_max, settings.row_bytes_max),
            settings.block_bytes,
        )
        record, header_text, line, self._bom = read_header(reader)
        self._header = record.fields
        self._all_names = all_names = column_names(
            Header(line, record.fields, header_text, partial(reader.next_rows, ROWS_BELOW_HEADER)),
            settings.target,
            settings.ignore_columns,
            settings.columns_max,
            settings.entity_column,
        )
        self._header_line = line
        self._ignored = [number for number, name in enumerate(all_names) if name in settings.ignore_columns]
        self._kept = [number for number in range(len(all_names)) if number not in self._ignored]
        self._names = names = [all_names[number] for number in self._kept]
        self._columns = Columns(names, settings.distinct_max)
        self._target = Target(names.index(settings.target), settings)
        self._duplicates = _Duplicates(settings.duplicate_rows_checked)
        hashed = hashed_columns(
            all_names, settings.target, settings.ignore_columns, settings.entity_column, settings.rule
        )
        self._hashes_ignored = not set(hashed) <= set(names)
        self._hasher = RowHasher(all_names if self._hashes_ignored else names, hashed, settings.salt)
        self._splitter = Splitter(_assignment(hashed, settings))
        self._sampler = Sampler(settings.sample_rows, settings.sample_bytes)
        self._for_bins = Sampler(binning.ROWS, binning.BYTES)
        self._line_ends = {"lf": 0, "crlf": 0, "cr": 0}
        self._quoted = False
        self._first_line = self._last_line = 0
        whole = rows_of(header_text, [record], [line], len(all_names), line, len(header_text))
        staged_header, _ = whole.staged(self._ignored)
        self._train, self._holdout = train, holdout
        for part in (train, holdout):
            part.write(staged_header)

    def __getstate__(self) -> dict[str, Any]:
        """Return what was found so far, without the parts that are written to."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_train", "_holdout")}

    @property
    def position(self) -> int:
        """How many bytes of the file were read."""
        return self._reader.size_bytes

    def resume(self, rest: Iterable[bytes], train: Sink, holdout: Sink) -> None:
        """Go on with the rest of the file, from `position`, and with the parts as they are written so far."""
        _reuse_memory()
        self._train, self._holdout = train, holdout
        self._reader.resume(_capped(rest, self.settings.size_bytes_max, self.position))

    def read(self, enough: Callable[[], bool] = lambda: False) -> bool:
        """Read on block by block, to the end or until it is enough; returns whether it was read to the end.

        Raises:
            DatasetError: the verdict, as far as single rows give it.
        """
        for all_rows in self._reader.rows(self._header):
            self._add(all_rows)
            if enough():
                return False
        return True

    def _add(self, all_rows: Rows) -> None:
        rows = all_rows.of(self._kept) if self._ignored else all_rows
        self._columns.add(rows)
        text, starts = all_rows.staged(self._ignored)
        strata = self._target.add(rows)
        hashes = self._hasher.hashes(all_rows if self._hashes_ignored else rows)
        self._splitter.add(self._train, text, starts, hashes, strata)
        labelled = np.flatnonzero(strata != UNLABELLED)
        self._sampler.add(text, starts, labelled)
        self._for_bins.add(text, starts, labelled)
        self._duplicates.add(text, starts)
        self._quoted |= rows.quoted
        for kind, count in rows.line_ends.items():
            self._line_ends[kind] += count
        self._first_line, self._last_line = self._first_line or rows.line_of(0), rows.last_line

    def conclude(self) -> Inspection:
        """Judge what was read to the end, and write the rest of both parts.

        Raises:
            DatasetError: the verdict, named by its subclass.
        """
        settings, names, splitter, target = self.settings, self._names, self._splitter, self._target
        if not splitter.rows:
            raise HeaderOnly("there is a header and no row below it; upload the rows too", line=self._header_line)
        described = self._columns.conclude()
        _refuse_unreadable(described)
        sample = self._sampler.sample(len(names), names.index(settings.target))
        personal, nearly = _looks_like(described, sample, Lines(self._first_line, self._last_line), settings)
        concluded = target.conclude(described[names.index(settings.target)], nearly.get(settings.target))
        _refuse_bad_features([column for column in described if column.name != settings.target])
        entries = [column.describe(show_values=column.name not in personal) for column in described]
        for entry, drawn in zip(entries, self._for_bins.drawn(len(names)), strict=True):
            if entry["name"] != settings.target:
                entry["bins"] = binning.bins_of(entry, drawn)
        findings = Findings(
            columns=described,
            personal=personal,
            almost=nearly,
            target=concluded,
            classes=target.classes,
            null_words=list(target.null_words.values()),
            duplicates=self._duplicates.counts,
            rows=splitter.rows,
            sample=sample,
        )
        hashes, rule = splitter.finish(
            self._train,
            self._holdout,
            classes=concluded["classes"] is not None,
            min_training_rows=settings.min_training_rows,
            class_rows_min=settings.class_rows_min,
        )
        advice = advise(findings, settings)
        profile = self._profile(concluded, entries)
        used = concluded["labelled_rows"] - len(hashes)
        return Inspection(used, len(hashes), profile, advice, rule, hashes.tolist())

    def _profile(self, target: dict[str, Any], columns: list[dict[str, Any]]) -> dict[str, Any]:
        reader = self._reader
        return {
            "format": PROFILE_FORMAT,
            "rows": self._splitter.rows,
            "size_bytes": reader.size_bytes,
            "encoding": {
                "charset": "utf-8",
                "bom": self._bom,
                "line_ends": self._line_ends,
                "final_newline": reader.final_newline,
                "blank_lines": reader.blank_lines,
                "quoted": self._quoted,
            },
            "target": target,
            "columns": columns,
            "ignore_columns": [self._all_names[number] for number in self._ignored],
        }


def _looks_like(
    columns: list[Column], sample: Sample, lines: Lines, settings: InspectionSettings
) -> tuple[dict[str, str], dict[str, Almost]]:
    """Return by a column's name what personal data it looks like it holds, and what the others almost are."""
    personal: dict[str, str] = {}
    nearly: dict[str, Almost] = {}
    for column, values in zip(columns, sample.columns, strict=True):
        if what := personal_data_in(column, values, settings.personal_data_share):
            personal[column.name] = what
        elif other := almost(column, values, lines):
            nearly[column.name] = other
    return personal, nearly


def _assignment(hashed: list[str], settings: InspectionSettings) -> Assignment:
    """Return what decides which rows of a file are held out, whose columns of these names are hashed."""
    before = settings.rule
    by_entity = settings.entity_column is not None
    return Assignment(
        HoldoutRule.following(before, hashed, settings.holdout_fraction, by_entity=by_entity),
        first=before is None or not before.hashes_as(hashed),
        rows_max=settings.holdout_rows_max,
        bytes_max=settings.holdout_bytes_max,
    )


def read_header(reader: Reader) -> tuple[Record, bytes, int, bool]:
    """Consume the header: the record, its text and line, and whether a byte-order mark was above it.

    Raises:
        DatasetError: there is none, or the file is of another format.
    """
    head = reader.head(SNIFFED_BYTES)
    refuse_other_formats(head)
    reader.skip(len(head) - len(_without_boms(head)))
    try:
        header = reader.header()
    except StrayQuote as error:
        refuse_delimiter_after_quote(_without_boms(head).lstrip(b"\r\n"), error.line, error.sample)
        raise
    if header is None:
        raise EmptyFile("the file is empty; upload a CSV with a header and rows")
    return *header, head.startswith(UTF8_BOM)


def _without_boms(head: bytes) -> bytes:
    """Return what follows the byte-order marks; joining and saving again makes more than one."""
    while head.startswith(UTF8_BOM):
        head = head.removeprefix(UTF8_BOM)
    return head


def _refuse_unreadable(columns: list[Column]) -> None:
    if first := _first_of(Kind.UNREADABLE, columns):
        place, column = first
        raise ExponentTooLong(
            "the cell begins as a number with an exponent of ten digits or more, as some identifiers do, and the "
            "reader inside Autopilot's training may crash at it; leave the column out with ignore_columns, or "
            "begin each of its values with a letter",
            line=place.line,
            column=column.name,
            sample=redacted(place.value),
        )


def _refuse_bad_features(columns: list[Column]) -> None:
    if all(column.constant for column in columns):
        raise NoFeatures(
            "every column but the target is the same in every row, so there is nothing to predict from; add columns"
        )
    if first := _first_of(Kind.NOT_FINITE, [column for column in columns if column.numeric]):
        place, column = first
        raise FeatureNotFinite(
            "the column is of numbers and this row's is not finite, or too large for 64 bits of floating point; write "
            "a number, or leave the cell empty",
            line=place.line,
            column=column.name,
            sample=redacted(place.value),
        )


def _first_of(kind: int, columns: list[Column]) -> tuple[Place, Column] | None:
    """Return the first place of a kind of value, and its column."""
    places = [(place, column) for column in columns if (place := column.firsts.get(kind))]
    return min(places, key=lambda found: found[0].line, default=None)


def _reuse_memory() -> None:
    """Have the C library keep the memory of one block's arrays for the next one's.

    By default glibc asks the kernel anew for each array of some hundred kilobytes, which cost a fifth of all time. It
    learns from a large piece that is freed (mallopt(3), M_MMAP_THRESHOLD); this one is never written to.
    """
    np.empty(REUSED_BYTES, np.uint8)


def _capped(chunks: Iterable[bytes], size_bytes_max: int | None, size: int) -> Iterable[bytes]:
    """Pass on chunks that follow so many bytes, up to the most that are allowed."""
    for chunk in chunks:
        size += len(chunk)
        if size_bytes_max is not None and size > size_bytes_max:
            raise UploadTooLarge(
                f"the upload is larger than the {size_bytes_max:,} bytes that the model's settings allow"
            )
        yield chunk


def _digest(row: bytes) -> bytes:
    """Return what tells rows apart in any process; Python's own hash differs from process to process."""
    return hashlib.blake2b(row, digest_size=8).digest()


class _Duplicates:
    """Counts rows that repeat an earlier one, among the first so many."""

    def __init__(self, rows_max: int):
        self._rows_max = rows_max
        self._digests: set[bytes] = set()
        self._checked = 0

    def add(self, text: bytes, starts: Ints) -> None:
        edges = starts[: self._rows_max - self._checked + 1].tolist()
        if len(edges) <= self._rows_max - self._checked:
            edges.append(len(text))
        self._digests.update(_digest(text[start:end]) for start, end in pairwise(edges))
        self._checked += len(edges) - 1

    @property
    def counts(self) -> tuple[int, int]:
        """How many rows repeat an earlier one, of how many."""
        return self._checked - len(self._digests), self._checked
