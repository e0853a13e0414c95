"""The split: rows that may be held out stay in memory until `Assignment` says where they go, all others are written to
training at once.
"""

from __future__ import annotations

from itertools import compress
from typing import Protocol

import numpy as np

from tenantml.domain.training.holdout_rule import HoldoutRule
from tenantml_analysis.inspection.assignment import Assignment
from tenantml_analysis.inspection.words import Ints, Words

UNLABELLED = -1


class Sink(Protocol):
    """Where one part of a dataset is written to, in order."""

    def write(self, piece: bytes, /) -> object:
        """Take the next bytes."""


class Splitter:
    """Sends rows to training and keeps the holdout, in memory bounded by the assignment and one block."""

    def __init__(self, assignment: Assignment):
        self._assignment = assignment
        self._kept: list[bytes] = []
        self.rows = 0

    def add(self, train: Sink, text: bytes, starts: Ints, hashes: Words, strata: Ints) -> None:
        """Split the rows of a text, each of which ends where the next one starts; `strata` has each row's or
        `UNLABELLED`.
        """
        ends = np.append(starts[1:], len(text))
        kept = self._assignment.keep_back(hashes, strata, ends - starts)
        first, last = starts[kept].tolist(), ends[kept].tolist()
        view = memoryview(text)
        self._kept += map(text.__getitem__, map(slice, first, last))
        pieces: list[bytes | memoryview] = list(map(view.__getitem__, map(slice, [0, *last], [*first, len(text)])))
        stay = self._assignment.thin()
        if not stay.all():
            pieces += compress(self._kept, ~stay)
            self._kept = list(compress(self._kept, stay))
        train.write(b"".join(pieces))
        self.rows += len(strata)

    def finish(
        self, train: Sink, holdout: Sink, *, classes: bool, min_training_rows: int, class_rows_min: int
    ) -> tuple[Words, HoldoutRule]:
        """Write the holdout, and to training what it lacks to its minimum; return the hashes of the rows that are held
        out, in order, and the rule for the next training.
        """
        held, hashes, rule = self._assignment.finish(
            classes=classes, min_training_rows=min_training_rows, class_rows_min=class_rows_min
        )
        train.write(b"".join(compress(self._kept, ~held)))
        holdout.write(b"".join(compress(self._kept, held)))
        return hashes, rule
