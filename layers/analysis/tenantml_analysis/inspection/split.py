"""The split: which rows are held out, decided in one pass from the seed, evenly within every class.

The labelled rows of each stratum (a class of the target) are numbered from 0. Of every `period` consecutive ones a
keyed hash holds out one. The held-out rows stay in memory; when they outgrow their bounds every second one of them,
again by keyed hash and evenly over the file, goes to training after all, and from there on one in twice as many rows is
held out. At the end training gets back what it lacks to its minimum. So both parts depend on the seed and the rows
alone, and no row is in both.
"""

from __future__ import annotations

import hashlib
from itertools import compress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

UNLABELLED = -1


class Sink(Protocol):
    """Where one part of a dataset is written to, in order."""

    def write(self, piece: bytes, /) -> object:
        """Take the next bytes."""


class Splitter:
    """Sends rows to training and keeps the holdout, in memory bounded by `rows_max` and `bytes_max`."""

    def __init__(self, train: Sink, seed: str, *, fraction: float, rows_max: int, bytes_max: int):
        self._train = train
        self._key = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
        self._period = max(2, round(1 / fraction))
        self._rows_max = rows_max
        self._bytes_max = bytes_max
        self._level = 0  # how often the holdout was thinned to half
        self._seen: Ints = np.zeros(0, np.int64)  # rows per stratum
        self._strata: Ints = np.zeros(
            0, np.int64
        )  # of the rows held out, as are the blocks of `period` rows they stand for
        self._blocks: Ints = np.zeros(0, np.int64)
        self._bytes = 0
        self.held_out: list[bytes] = []
        self.rows = 0

    def add(self, text: bytes, starts: Ints, strata: Ints) -> None:
        """Split the rows of a text, each of which ends where the next one starts; `strata` has each row's or
        `UNLABELLED`.
        """
        rows, of_stratum, blocks = self._chosen(strata)
        ends = np.append(starts[1:], len(text))[rows]
        starts_held = starts[rows]
        pieces: list[bytes | memoryview] = []
        view, at = memoryview(text), 0
        while len(rows):
            fits = self._fitting(ends - starts_held)
            taken = slice(0, fits)
            first, last = starts_held[taken].tolist(), ends[taken].tolist()
            self.held_out += map(text.__getitem__, map(slice, first, last))
            pieces += map(view.__getitem__, map(slice, [at, *last], first))
            at = last[-1]
            self._bytes += int((ends[taken] - starts_held[taken]).sum())
            self._strata = np.append(self._strata, of_stratum[taken])
            self._blocks = np.append(self._blocks, blocks[taken])
            rows, of_stratum, blocks, starts_held, ends = (
                part[fits:] for part in (rows, of_stratum, blocks, starts_held, ends)
            )
            while len(self.held_out) > self._rows_max or self._bytes > self._bytes_max:
                pieces += self._thin()
                stay = self._survivors(of_stratum, blocks, self._level)
                rows, of_stratum, blocks, starts_held, ends = (
                    part[stay] for part in (rows, of_stratum, blocks, starts_held, ends)
                )
        pieces.append(view[at:])
        self._train.write(b"".join(pieces))
        self.rows += len(strata)

    def finish(self, holdout: Sink, labelled_rows: int, min_training_rows: int) -> None:
        """Write the holdout, after giving training the labelled rows that it lacks to its minimum."""
        kept = self.held_out
        spare = max(0, labelled_rows - min_training_rows)
        if len(kept) > spare:
            ranked = np.lexsort((self._blocks, self._strata)).tolist()
            staying = {ranked[(2 * i + 1) * len(kept) // (2 * spare)] for i in range(spare)}
            self._train.write(b"".join(row for i, row in enumerate(kept) if i not in staying))
            kept = [row for i, row in enumerate(kept) if i in staying]
        holdout.write(b"".join(kept))
        self.held_out = kept

    def _fitting(self, lengths: Ints) -> int:
        """Return how many more rows are held out until the bounds are outgrown, the last one included."""
        by_bytes = int(np.searchsorted(self._bytes + np.cumsum(lengths), self._bytes_max, side="right")) + 1
        return min(len(lengths), by_bytes, self._rows_max - len(self.held_out) + 1)

    def _chosen(self, strata: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the rows to hold out, with their strata and blocks."""
        rows = np.flatnonzero(strata != UNLABELLED)
        strata = strata[rows]
        counts = np.bincount(strata, minlength=len(self._seen))
        self._seen = np.append(self._seen, np.zeros(len(counts) - len(self._seen), np.int64))
        order = np.argsort(strata.astype(np.uint16), kind="stable")  # 16 bits: sorted by radix
        first = np.cumsum(counts) - counts
        numbers = np.empty(len(strata), np.int64)
        numbers[order] = np.arange(len(strata)) - np.repeat(first - self._seen, counts)
        self._seen += counts
        blocks = numbers // self._period
        places = _hashes(self._key, strata, blocks) % np.uint64(self._period)
        chosen = np.flatnonzero(places == (numbers % self._period).astype(np.uint64))
        rows, strata, blocks = rows[chosen], strata[chosen], blocks[chosen]
        for level in range(1, self._level + 1):
            stay = self._survivors(strata, blocks, level)
            rows, strata, blocks = rows[stay], strata[stay], blocks[stay]
        return rows, strata, blocks

    def _survivors(self, strata: Ints, blocks: Ints, level: int) -> NDArray[np.bool_]:
        """Of the two blocks that a level makes one, say for each whether it is the one that stands for both."""
        halves = ((blocks >> (level - 1)) & 1).astype(np.uint64)
        kept: NDArray[np.bool_] = halves == _hashes(self._key ^ level, strata, blocks >> level) & np.uint64(1)
        return kept

    def _thin(self) -> list[bytes]:
        """Give every second row that is held out back."""
        self._level += 1
        stay = self._survivors(self._strata, self._blocks, self._level)
        self._strata, self._blocks = self._strata[stay], self._blocks[stay]
        gone = list(compress(self.held_out, ~stay))
        self.held_out = list(compress(self.held_out, stay))
        self._bytes -= sum(map(len, gone))
        return gone


def _hashes(key: int, strata: Ints, blocks: Ints) -> NDArray[np.uint64]:
    """Mix a key with pairs of numbers into 64 bits each (the finaliser of SplitMix64)."""
    u = np.uint64
    mixed: NDArray[np.uint64] = (
        u(key) + strata.astype(u) * u(0x9E3779B97F4A7C15) + blocks.astype(u) * u(0xD1B54A32D192ED03)
    )
    mixed = (mixed ^ (mixed >> u(30))) * u(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> u(27))) * u(0x94D049BB133111EB)
    mixed ^= mixed >> u(31)
    return mixed
