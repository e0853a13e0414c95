"""Hashes of rows: 64 bits of the features' values, keyed by the model's salt and the columns' names.

The order of columns does not count, nor do quotes, line ends, and how a missing value is written. Any other change of
a value makes another row, also `1` and `1.0`: where exports differ so, an entity column tells rows apart better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.words import KEYED_BYTES_MAX, Words, keys_of

_U = np.uint64
_FIRST_FACTOR, _SECOND_FACTOR, _LAST_FACTOR = _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB), _U(0x9E3779B97F4A7C15)


class RowHasher:
    """Hashes rows that have columns of these names, by the values of some of them; the same ones and the same salt give
    the same hashes, in any process.
    """

    def __init__(self, names: Sequence[str], hashed: Sequence[str], salt: str):
        self._places = [names.index(name) for name in hashed]
        self._salt = salt.encode()
        self._keys = np.array([self._keyed(name.encode()) for name in hashed], _U)

    def hashes(self, rows: Rows) -> Words:
        """Return a hash of each row."""
        starts, lengths = rows.value_starts[:, self._places], rows.lengths[:, self._places]
        cells = keys_of(rows.words, starts, lengths, rows.first[:, self._places])
        long = lengths > KEYED_BYTES_MAX
        if long.any():
            cells[long] = [
                self._keyed(rows.values[start : start + length])
                for start, length in zip(starts[long].tolist(), lengths[long].tolist(), strict=True)
            ]
        cells[rows.missing[:, self._places]] = 0
        cells ^= self._keys
        cells *= _FIRST_FACTOR
        cells ^= cells >> _U(32)
        cells *= _SECOND_FACTOR
        hashes: Words = cells.sum(axis=1, dtype=_U)  # whatever the order of the columns
        hashes ^= hashes >> _U(29)
        hashes *= _LAST_FACTOR
        hashes ^= hashes >> _U(32)
        return hashes

    def _keyed(self, text: bytes) -> int:
        key = hashlib.blake2b(self._salt, digest_size=32).digest()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=key).digest(), "little")
