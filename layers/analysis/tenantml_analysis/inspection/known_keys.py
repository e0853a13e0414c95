"""Which of many values are among known ones, by their keys."""

from __future__ import annotations

import numpy as np

from tenantml_analysis.inspection.values import NULLS
from tenantml_analysis.inspection.words import Ints, Mask, Words, word_of

_U = np.uint64


class KnownKeys:
    """Sets of keys, one per column, that a whole block is looked up in at once: a table without collisions for each
    set.
    """

    def __init__(self, sets: int):
        self._tables: list[Words] = [np.zeros(2, _U)] * sets
        self._factors = np.ones(sets, _U)
        self._shifts = np.full(sets, 63, _U)
        self._join()

    def replace(self, sets: dict[int, set[int]]) -> None:
        """Replace some of the sets."""
        for number, keys in sets.items():
            self._tables[number], self._factors[number], self._shifts[number] = _table(np.array(list(keys), _U))
        self._join()

    def hold(self, keys: Words, numbers: Ints | int) -> Mask:
        """Say which keys are in the set of their number; zero, the key of an empty value, may be said to be in any."""
        slots = keys * self._factors[numbers]
        slots >>= self._shifts[numbers]
        slots += self._offsets[numbers]
        held: Mask = self._joined.take(slots.view(np.int64), mode="clip") == keys
        return held

    def _join(self) -> None:
        sizes = np.array([len(table) for table in self._tables])
        self._offsets = (np.cumsum(sizes) - sizes).astype(_U)
        self._joined = np.concatenate(self._tables)


def _table(keys: Words) -> tuple[Words, np.uint64, np.uint64]:
    """Return a table of keys and the factor and shift that give each key a slot of its own."""
    bits = max(1, int(len(keys) ** 2 // 2).bit_length())
    factor = 0x9E3779B97F4A7C15
    while True:
        for _ in range(8):
            slots = (keys * _U(factor)) >> _U(64 - bits)
            if len(set(slots.tolist())) == len(keys):
                table = np.zeros(1 << bits, _U)
                table[slots.astype(np.int64)] = keys
                return table, _U(factor), _U(64 - bits)
            factor = (factor * 0xD1B54A32D192ED03 + 2) & 0xFFFFFFFFFFFFFFFF | 1
        bits += 1


_NULLS = KnownKeys(1)
_NULLS.replace({0: {0} | {word_of(value) for value in NULLS}})


def null_words(first: Words, lengths: Ints) -> Mask:
    """Say which values are empty or a word for a missing one; no such word is longer than eight bytes."""
    nulls = _NULLS.hold(first, 0)
    if nulls.any():
        nulls &= lengths <= 8
    return nulls
