"""Joining: every row of a batch's file beside what the model answered to it, in the order of the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from tenantml.domain.predictions import answers
from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.predictions.asking import Deployed
from tenantml.errors import UnreadableAnswer
from tenantml_analysis.batch_files.batch_file import BatchFile

ROW_NUMBER = "row_number"


class Joined:
    """The result of a batch as CSV; `rows` says how many were written."""

    def __init__(self, file: BatchFile, version: Deployed, answer: Callable[[int], bytes]):
        """`answer` returns what the model answered to the part of a number, from 1."""
        self._file, self._version, self._answer = file, version, answer
        self.rows = 0

    def text(self) -> Iterator[bytes]:
        """Yield the header and the rows: row number from 1, all cells of the file, then `predicted_label`,
        `probability` and `probability_CLASS` of each class, or `predicted_value`; which of these names the file has
        already begins with `tenantml_`.

        Raises:
            UnreadableAnswer, WrongPredictionCount: an answer is not what the version promises, or of other classes than
                those before it.
        """
        classes: tuple[str, ...] | None = None
        for number, part in enumerate(self._file.parts(), 1):
            found = answers.parse(
                self._answer(number), self._version.output_keys, len(part.rows), self._version.classes
            )
            if classes is None:
                classes = found.classes
                taken = set(self._file.header)
                number_column, *told_columns = (_free(name, taken) for name in (ROW_NUMBER, *_header(found)))
                yield _csv([[number_column, *self._file.header, *told_columns]])
            elif found.classes != classes:
                raise UnreadableAnswer("the answers of the batch transform do not hold the same classes for every row")
            numbers = range(self.rows + 1, self.rows + 1 + len(part.rows))
            self.rows += len(part.rows)
            told = zip(numbers, part.rows, _cells(found), strict=True)
            yield _csv([str(row_number), *row, *predicted] for row_number, row, predicted in told)


def _header(found: Predictions) -> list[str]:
    if not found.classes:
        return ["predicted_value"]
    return ["predicted_label", "probability", *(f"probability_{name}" for name in found.classes)]


def _free(name: str, taken: set[str]) -> str:
    """Return the name that a column of ours has beside the file's, and take it."""
    while name in taken:
        name = f"tenantml_{name}"
    taken.add(name)
    return name


def _cells(found: Predictions) -> Iterator[tuple[str, ...]]:
    if not found.classes:
        yield from found.lines
        return
    for place, line in zip(found.labels, found.lines, strict=True):
        yield (found.classes[place], line[place], *line)


def _csv(table: Iterator[list[str]] | list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)  # ends rows by CRLF (RFC 4180), so that a CR in a cell is quoted
    return text.getvalue().encode()
