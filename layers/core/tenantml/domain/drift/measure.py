"""Measuring: whether counts are of another distribution than those of training, and by how much.

The population stability index (PSI) says how much: the sum over all bins of (p - q) ln(p / q). Its usual limits are a
custom and no test: 100 rows in ten bins exceed 0.1 in 39 of 100 cases in which nothing has drifted. So nothing is said
below `ROWS_MIN` rows, and a distribution has drifted only if its index is above `PSI_LIMIT` and chance explains it,
by Pearson's chi-square test of two samples, in fewer than one in a hundred windows, whatever the number of columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROWS_MIN = 300
PSI_LIMIT = 0.2
CHANCE = 0.01
EXPECTED_MIN = 5  # rows of a bin, below which the test is not to be relied on (Cochran 1954)


@dataclass(frozen=True)
class Drift:
    """How far a distribution is from that of training: its index, the chance of at least that by chance alone, and the
    bin whose share of the rows grew most, with both shares.
    """

    psi: float
    chance: float
    bin: int
    share: float
    share_before: float

    def has_drifted(self, tested: int) -> bool:
        """Return whether it has, as one of so many that are tested together."""
        return self.psi > PSI_LIMIT and self.chance < CHANCE / tested


def measure(before: Sequence[int], now: Sequence[int]) -> Drift | None:
    """Compare counts of the same bins; None where either has no rows."""
    rows_before, rows = sum(before), sum(now)
    if not rows_before or not rows:
        return None
    both = _pooled(before, now, rows / (rows_before + rows))
    shares = [(count_before / rows_before, count / rows) for count_before, count in zip(before, now, strict=True)]
    most = max(range(len(shares)), key=lambda place: shares[place][1] - shares[place][0])
    return Drift(
        psi=_psi(both, rows_before, rows),
        chance=chance_of(_chi_square(both, rows_before, rows), len(both) - 1),
        bin=most,
        share=shares[most][1],
        share_before=shares[most][0],
    )


def _pooled(before: Sequence[int], now: Sequence[int], share: float) -> list[tuple[int, int]]:
    """Return the counts of each bin that has rows, those of rare ones together."""
    common, rare = [], (0, 0)
    for pair in zip(before, now, strict=True):
        if sum(pair) * min(share, 1 - share) < EXPECTED_MIN:
            rare = rare[0] + pair[0], rare[1] + pair[1]
        else:
            common.append(pair)
    return [*common, rare] if any(rare) else common


def _psi(both: Sequence[tuple[int, int]], rows_before: int, rows: int) -> float:
    """Return the index; each bin has half a row more, so that an empty one does not make it infinite."""
    total = 0.0
    for count_before, count in both:
        share_before = (count_before + 0.5) / (rows_before + len(both) / 2)
        share = (count + 0.5) / (rows + len(both) / 2)
        total += (share - share_before) * math.log(share / share_before)
    return total


def _chi_square(both: Sequence[tuple[int, int]], rows_before: int, rows: int) -> float:
    weight = math.sqrt(rows / rows_before)
    return sum((count / weight - count_before * weight) ** 2 / (count_before + count) for count_before, count in both)


def chance_of(chi_square: float, freedom: int) -> float:
    """Return how likely a value of at least this is, by the chi-square distribution with so many degrees of freedom:
    the regularised upper incomplete gamma function, which is a finite sum at half of a whole number (Abramowitz and
    Stegun 26.4.4, 26.4.5).
    """
    half = chi_square / 2
    if freedom <= 0 or half <= 0:
        return 1.0
    odd = freedom % 2
    total = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    for place in range(1, (freedom + 1) // 2):
        power = place - odd / 2
        total += math.exp(power * math.log(half) - half - math.lgamma(power + 1))
    return min(1.0, total)
