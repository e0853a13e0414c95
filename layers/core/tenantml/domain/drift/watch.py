"""What is watched of a version: the bins of its columns and of its answers, and counts of both as one list.

A list of counts is written as few numbers: DynamoDB adds numbers of 38 digits exactly (DynamoDB developer guide,
"Data types"), so three counts of twelve digits share one, and adding the numbers of two processes adds their counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from tenantml.domain.drift import bins
from tenantml.domain.drift.bins import Bins
from tenantml.domain.predictions.answers import Predictions

DIGITS, PER_NUMBER = 12, 3
_SHIFT = 10**DIGITS
NUMBERS_MAX = 260
"""In one write, of which DynamoDB takes 300 operations and an expression of 4 KB (developer guide, "Constraints")."""
ALL_ROWS, STEP_MAX = 12, 8
"""Of a request of so many rows every second is counted, of one of twice as many every third, and so on up to a step."""
MANY_ROWS, ONE_IN = 50, 3
"""Of requests of so many rows, a process counts the first and then one in three."""
AT_ONCE = 256
"""Values of a column that are counted together, in a third of the time that they take request by request."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """The columns that are watched by their place among a version's columns, then the answers, if they are."""

    columns: tuple[tuple[int, str, Bins], ...]
    answers: Bins | None
    left_out: int
    firsts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        sizes = (part.size for part in self.bins)
        object.__setattr__(self, "firsts", tuple(accumulate(sizes, initial=0)))

    @property
    def size(self) -> int:
        """How many counts there are; `firsts` has the place of each part's first, and this at its end."""
        return self.firsts[-1]

    @property
    def bins(self) -> list[Bins]:
        """The bins of the columns and then of the answers."""
        return [column for _, _, column in self.columns] + ([self.answers] if self.answers else [])

    @classmethod
    def of(cls, version: Row, profile: Row) -> Watch:
        """Read a version's row of the registry and its profile; a profile from before there were bins has none.

        Columns are watched in the order of the file, as many as one write holds.
        """
        target = profile["target"]["column"]
        features = [entry for entry in profile["columns"] if entry["name"] != target]
        answers = Bins.of_document(version["score_bins"]) if version.get("score_bins") else None
        watched: list[tuple[int, str, Bins]] = []
        left = NUMBERS_MAX * PER_NUMBER - (answers.size if answers else 0)
        for place, entry in enumerate(features):
            if "bins" in entry and len(entry["bins"]["counts"]) <= left:
                watched.append((place, entry["name"], Bins.of_document(entry["bins"])))
                left -= watched[-1][2].size
        return cls(tuple(watched), answers, len(features) - len(watched))

    def parts(self, counts: Sequence[int]) -> list[tuple[str | None, Bins, Sequence[int]]]:
        """Return the counts of each column by its name, and those of the answers under None."""
        names: list[str | None] = [name for _, name, _ in self.columns]
        ends = pairwise(self.firsts)
        return [
            (name, part, counts[first:end])
            for name, part, (first, end) in zip([*names, None], self.bins, ends, strict=False)
        ]


NOTHING = Watch((), None, 0)


class Counting:
    """Counts of what a version is asked and answers, in memory."""

    __slots__ = ("_counted", "_counts", "_pending", "_turn", "_watch")

    def __init__(self, watch: Watch) -> None:
        self._watch, self._turn, self._counted = watch, 0, 0
        self._pending: list[list[str]] = [[] for _ in watch.firsts[:-1]]
        self._counts = [0] * watch.size

    def add(self, values: Sequence[Sequence[str]], predictions: Predictions) -> None:
        """Count a request: its values by column, and what was answered. Of many rows some are counted, evenly, and
        beginning elsewhere each time.
        """
        row_count = len(predictions.lines)
        if row_count >= MANY_ROWS:
            self._turn += 1
            if self._turn % ONE_IN != 1:
                return
        watch, pending, step = self._watch, self._pending, min(STEP_MAX, 1 + row_count // ALL_ROWS)
        rows = slice(self._counted % step, None, step)
        self._counted += 1
        for (place, _, _), texts in zip(watch.columns, pending, strict=False):
            texts.extend(values[place][rows])
        if watch.answers:
            pending[-1].extend(bins.scores_of(predictions, rows))
        if len(pending[-1]) >= AT_ONCE:
            self._settle()

    def numbers(self) -> dict[str, int]:
        """Return what was counted since `clear`, as numbers to add to a row."""
        self._settle()
        return packed(self._counts)

    def clear(self) -> None:
        """Begin again at 0."""
        self._counts = [0] * self._watch.size

    def _settle(self) -> None:
        for part, texts, first in zip(self._watch.bins, self._pending, self._watch.firsts, strict=False):
            part.count(texts, self._counts, first)
            texts.clear()


def packed(counts: Sequence[int]) -> dict[str, int]:
    """Return counts as numbers to add to a row; what is 0 is left out."""
    numbers: dict[str, int] = {}
    for place in range(0, len(counts), PER_NUMBER):
        number = 0
        for count in counts[place : place + PER_NUMBER]:
            number = number * _SHIFT + count
        if number:
            numbers[f"d{place // PER_NUMBER}"] = number
    return numbers


def unpacked(row: Row, size: int) -> list[int]:
    """Return so many counts of a row."""
    counts: list[int] = []
    for place in range(0, size, PER_NUMBER):
        number, here = int(row.get(f"d{place // PER_NUMBER}", 0)), min(PER_NUMBER, size - place)
        counts += [number // _SHIFT**above % _SHIFT for above in reversed(range(here))]
    return counts
