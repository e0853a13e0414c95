"""A file of rows to predict: read as the pre-flight reads files, its rows checked as a prediction request's are.

Rows become parts, and a part is what one call of a model takes. The same file gives the same parts whenever it is read,
so nothing of them is kept but their number in the name of what they are sent and answered as.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tenantml.domain.predictions import cells, rows, sizes
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.predictions.rows import PreparedRows
from tenantml.errors import HeaderOnly, RowError
from tenantml_analysis.inspection.preflight import read_header
from tenantml_analysis.inspection.reader import Reader
from tenantml_analysis.inspection.records import Limits
from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.settings import KIB, MIB

LIMITS = Limits(field_bytes=128 * KIB, row_bytes=4 * MIB)  # as of a file that is trained from


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that one call takes: the body, and the cells of each row as the file has them."""

    body: bytes
    rows: list[list[str]]


class BatchFile:
    """A file that is read once. `advice` is complete when its parts are read."""

    def __init__(self, chunks: Iterable[bytes], version: Deployed, *, reject_unseen: bool):
        """Read the header.

        Raises:
            DatasetError: the file is not one.
            RowError: its columns are not the model's.
        """
        self._reader = Reader(chunks, LIMITS, MIB)
        self._schema, self._reject_unseen = version.schema, reject_unseen
        self._rows_max = sizes.rows_per_call(version.classes, sizes.REAL_TIME_BYTES)
        record, text, self._line, _ = read_header(self._reader)
        self._fields = record.fields
        self.header: list[str] = next(cells.csv_reader(text.decode()))
        rows.check_header(self.header, self._schema)
        self._advice: dict[str, dict[str, Any]] = {}

    @property
    def advice(self) -> list[dict[str, Any]]:
        """What was let through and may not be what was meant, one of each column."""
        return list(self._advice.values())

    def parts(self) -> Iterator[Part]:
        """Yield all rows in order; of a block of the file, its rows and one part are in memory.

        Raises:
            DatasetError: the file is not one, by line; or it has no rows.
            RowError: a row does not fit the model, by row and line.
        """
        part = Part(b"", [])
        lines: list[bytes] = []
        size_bytes = row_count = 0
        for block in self._reader.rows(self._fields):
            table = [row for row in cells.csv_reader(block.text.decode()) if row]
            prepared = self._prepare(block, table, row_count)
            row_count += len(table)
            for line, row in zip(prepared.lines, table, strict=True):
                if lines and (len(lines) == self._rows_max or size_bytes + len(line) > sizes.REAL_TIME_BYTES):
                    yield Part(b"".join(lines), part.rows)
                    part, lines, size_bytes = Part(b"", []), [], 0
                lines.append(line)
                part.rows.append(row)
                size_bytes += len(line)
        if not row_count:
            raise HeaderOnly("there is a header and no row below it; upload the rows too", line=self._line)
        yield Part(b"".join(lines), part.rows)

    def _prepare(self, block: Rows, table: list[list[str]], before: int) -> PreparedRows:
        columns = dict(zip(self.header, zip(*table, strict=True), strict=True))
        try:
            prepared = rows.prepare(columns, self._schema, reject_unseen=self._reject_unseen)
        except RowError as error:
            if error.row is None:
                raise
            line = block.line_of(error.row - 1)
            raise type(error)(error.reason, row=before + error.row, column=error.column, line=line) from None
        for found in prepared.advice:
            known = self._advice.setdefault(found["column"], found | {"row": before + found["row"], "rows": 0})
            known["rows"] += found["rows"]
        return prepared
