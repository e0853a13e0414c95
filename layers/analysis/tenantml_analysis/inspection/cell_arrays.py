"""The cells of a block, row by row as they lie in the file, and column by column as they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.words import Ints, Mask, Words


class Block:
    """Some rows of a block: arrays of shape (rows, columns of the file), but for `missing`, of (columns, rows)."""

    def __init__(self, rows: Rows, part: slice):
        self.words = rows.words
        self.starts = rows.value_starts[part]
        self.lengths = rows.lengths[part]
        self.first = rows.first[part]
        self.keys = rows.keys[part]
        self.missing = np.ascontiguousarray(rows.missing[part].T)

    def of(self, columns: Ints) -> Cells:
        """Return the cells of some columns."""
        lengths, first, missing = self.lengths.T[columns], self.first.T[columns], self.missing[columns]
        return Cells(self.words, columns, self.starts, self.keys, lengths, first, missing)


@dataclass(frozen=True)
class Cells:
    """The cells of some columns: arrays of shape (columns, rows), so that whole columns are reduced."""

    words: Words
    columns: Ints
    all_starts: Ints  # as in the block, as are the keys
    all_keys: Words
    lengths: Ints
    first: Words
    missing: Mask

    @cached_property
    def starts(self) -> Ints:
        """Where each value starts; for many columns the first words alone are enough."""
        return self.all_starts.T[self.columns]

    @cached_property
    def keys(self) -> Words:
        """What tells values apart that are short enough for it."""
        return self.all_keys.T[self.columns]

    def of(self, some: Ints) -> Cells:
        """Return some of these columns."""
        return Cells(
            self.words,
            self.columns[some],
            self.all_starts,
            self.all_keys,
            self.lengths[some],
            self.first[some],
            self.missing[some],
        )
