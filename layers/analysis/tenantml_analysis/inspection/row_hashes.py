"""Hashes of rows: 64 bits of the features' values, keyed by the model's salt and the columns' names.

The order of columns does not count, nor do quotes, line ends, and how a missing value is written. Any other change of
a value makes another row, also `1` and `1.0`: where exports differ so, an entity column tells rows apart better.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tenantml_analysis.inspection.row_arrays import Rows
from tenantml_analysis.inspection.words import KEYED_BYTES_MAX, Words, mixed

_U = np.uint64


class RowHasher:
    """Hashes rows that have columns of these names, by the values of some of them; the same ones and the same salt give
    the same hashes, in any process.
    """

    def __init__(self, names: Sequence[str], hashed: Sequence[str], salt: str):
        self._key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
        # Each column's values are multiplied by an odd number of its own; a column that does not count by nothing.
        self._factors = np.array([self._keyed(name.encode()) | 1 if name in set(hashed) else 0 for name in names], _U)

    def hashes(self, rows: Rows) -> Words:
        """Return a hash of each row."""
        cells = rows.keys >> _U(32)
        cells ^= rows.keys
        if rows.lengths.max(initial=0) > KEYED_BYTES_MAX:
            long = np.flatnonzero(rows.lengths > KEYED_BYTES_MAX)
            starts, lengths = rows.value_starts.ravel()[long].tolist(), rows.lengths.ravel()[long].tolist()
            cells.ravel()[long] = [
                self._keyed(rows.values[a : a + size]) for a, size in zip(starts, lengths, strict=True)
            ]
        if rows.missing.any():
            cells[rows.missing] = 0
        return mixed(np.einsum("ij,j->i", cells, self._factors))

    def _keyed(self, text: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), "little")
