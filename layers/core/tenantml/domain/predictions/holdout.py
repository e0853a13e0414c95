"""A holdout: rows that were kept from training, with what is true of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tenantml.domain.predictions import cells
from tenantml.domain.predictions.rows import Schema, bind

ROWS_MAX = 20_000  # what two endpoints are asked within the time of a function, when each answers 50 rows a second
ANSWERS_MAX = 4_000_000  # probabilities that fit beside each other in memory, of two versions


@dataclass(frozen=True)
class Holdout:
    """Values by column, without the target, and of each row the target and its number in the file, from 0."""

    columns: dict[str, tuple[str, ...]]
    truths: tuple[str, ...]
    numbers: Sequence[int]

    def lines(self, schema: Schema) -> list[bytes]:
        """Return the rows as the CSV that a version's endpoint takes: its columns are found by their names, others are
        left out.

        Raises:
            RowError: the version cannot be asked about these rows; a missing column, or a value of another type.
        """
        return bind(self.columns, schema).lines if self.truths else []

    def within(self, schema: Schema, most_bytes: int) -> Holdout:
        """Return the rows of which each alone is no larger than a version's endpoint takes.

        Raises:
            RowError: the version cannot be asked about these rows.
        """
        places = [place for place, line in enumerate(self.lines(schema)) if len(line) <= most_bytes]
        if len(places) == len(self.truths):
            return self
        return Holdout(
            {name: tuple(values[place] for place in places) for name, values in self.columns.items()},
            tuple(self.truths[place] for place in places),
            [self.numbers[place] for place in places],
        )


def read(body: bytes, target: str, classes: int) -> Holdout:
    """Read `holdout.csv` as the pre-flight wrote it; of more rows than there are time and memory for, with answers of
    so many classes, an even sample.
    """
    header, *rows = cells.csv_reader(body.decode())
    most = min(ROWS_MAX, ANSWERS_MAX // max(1, classes))
    numbers: Sequence[int] = range(len(rows))
    if len(rows) > most:
        numbers = [number * len(rows) // most for number in range(most)]
        rows = [rows[number] for number in numbers]
    values = list(zip(*rows, strict=True)) or [()] * len(header)
    columns: dict[str, tuple[str, ...]] = dict(zip(header, values, strict=True))
    truths = columns.pop(target)
    return Holdout(columns, truths, numbers)
