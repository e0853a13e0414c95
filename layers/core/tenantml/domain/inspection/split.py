"""The split: which rows are held out, decided in one pass from the seed, evenly within every class.

The labelled rows of each stratum (a class of the target) are numbered from 0. Of every `period` consecutive ones a keyed hash holds
out one. The held-out rows stay in memory; when they outgrow their bounds every second one of them, again by keyed hash and evenly
over the file, goes to training after all, and from there on one in twice as many rows is held out. At the end training gets
back what it lacks to its minimum. So both parts depend on the seed and the rows alone, and no row is in both.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1
_MASK = (1 << 64) - 1


class Sink(Protocol):
    """Where one part of a dataset is written to, in order."""

    def write(self, piece: bytes, /) -> object:
        """Take the next bytes."""


@dataclass(frozen=True)
class HeldOut:
    """A row held out: its stratum, the block of `period` rows that it stands for, and its text."""

    stratum: int
    block: int
    text: bytes


class Splitter:
    """Sends rows to training and keeps the holdout, in memory bounded by `rows_max` and `bytes_max`."""

    def __init__(self, train: Sink, seed: str, *, fraction: float, rows_max: int, bytes_max: int):
        self._train = train
        self._key = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
        self._period = max(2, round(1 / fraction))
        self._rows_max = rows_max
        self._bytes_max = bytes_max
        self._level = 0  # how often the holdout was thinned to half
        self._seen: NDArray[np.int64] = np.zeros(0, np.int64)
        self._bytes = 0
        self.held_out: list[HeldOut] = []
        self.rows = 0

    def add(self, text: bytes, starts: NDArray[np.int64], strata: NDArray[np.int64]) -> None:
        """Split the rows of a text, of which each ends where the next starts; `strata` has each row's stratum or `UNLABELLED`."""
        rows, stratum_of, block_of = self._chosen(strata)
        level = self._level
        ends = np.append(starts[1:], len(text))
        pieces: list[bytes | memoryview] = []
        view, at = memoryview(text), 0
        chosen = zip(starts[rows].tolist(), ends[rows].tolist(), stratum_of.tolist(), block_of.tolist(), strict=True)
        for start, end, stratum, block in chosen:
            if not all(self._survives(stratum, block, since) for since in range(level + 1, self._level + 1)):
                continue
            pieces.append(view[at:start])
            at = end
            self.held_out.append(HeldOut(stratum, block, text[start:end]))
            self._bytes += end - start
            while len(self.held_out) > self._rows_max or self._bytes > self._bytes_max:
                pieces += self._thin()
        pieces.append(view[at:])
        self._train.write(b"".join(pieces))
        self.rows += len(starts)

    def finish(self, holdout: Sink, labelled_rows: int, min_training_rows: int) -> None:
        """Write the holdout, after giving training the labelled rows that it lacks to its minimum."""
        spare = max(0, labelled_rows - min_training_rows)
        kept = self.held_out
        if len(kept) > spare:
            ranked = sorted(range(len(kept)), key=lambda i: (kept[i].stratum, kept[i].block))
            staying = {ranked[(2 * i + 1) * len(kept) // (2 * spare)] for i in range(spare)}
            self._train.write(b"".join(row.text for i, row in enumerate(kept) if i not in staying))
            kept = [row for i, row in enumerate(kept) if i in staying]
        holdout.write(b"".join(row.text for row in kept))
        self.held_out = kept

    def _chosen(self, strata: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
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
            half = (blocks >> (level - 1)).astype(np.uint64) & np.uint64(1)
            stay = half == _hashes(self._key ^ level, strata, blocks >> level) & np.uint64(1)
            rows, strata, blocks = rows[stay], strata[stay], blocks[stay]
        return rows, strata, blocks

    def _survives(self, stratum: int, block: int, level: int) -> bool:
        """Of the two blocks that a level makes one, say whether this is the one that stands for it."""
        pair = block >> level
        return (block >> (level - 1)) & 1 == _hash(self._key ^ level, stratum, pair) & 1

    def _thin(self) -> list[bytes]:
        self._level += 1
        stays = [self._survives(row.stratum, row.block, self._level) for row in self.held_out]
        gone = [row.text for row, stay in zip(self.held_out, stays, strict=True) if not stay]
        self.held_out = [row for row, stay in zip(self.held_out, stays, strict=True) if stay]
        self._bytes -= sum(map(len, gone))
        return gone


def _hash(key: int, stratum: int, block: int) -> int:
    """Mix three numbers into 64 bits (the finaliser of SplitMix64)."""
    mixed = (key + stratum * 0x9E3779B97F4A7C15 + block * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def _hashes(key: int, strata: NDArray[np.int64], blocks: NDArray[np.int64]) -> NDArray[np.uint64]:
    """`_hash` of many."""
    u = np.uint64
    mixed = u(key) + strata.astype(u) * u(0x9E3779B97F4A7C15) + blocks.astype(u) * u(0xD1B54A32D192ED03)
    mixed = (mixed ^ (mixed >> u(30))) * u(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> u(27))) * u(0x94D049BB133111EB)
    return mixed ^ (mixed >> u(31))
