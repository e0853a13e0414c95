"""Whether a version that has just gone live fails more than the one before: what it answered so far, next to what that
one answered in its last hours, when it was asked by the same apps.

Both shares of failures get a Wilson score interval, of 99.9 % to one side. The version is refused when the lower end of
its own is above the upper end of the other's: of two equal versions, fewer than one in a hundred is in ten looks. It
takes `LEAST_REQUESTS` calls, so that a few bad rows at the start decide nothing; and while the one before has answered
little, its interval is wide: against 30 failures of 30 it must have answered four times without one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_REQUESTS = 30
Z = 3.09  # of the normal distribution: 99.9 % to one side


@dataclass(frozen=True)
class Served:
    """What a version was asked and how it answered: calls of its endpoint, those that failed, and the time of all."""

    requests: int = 0
    failures: int = 0
    latency_ms: int = 0

    @classmethod
    def of_row(cls, row: Mapping[str, Any] | None) -> Served:
        """Read the row of a version's counts; what is not there was not counted."""
        return cls(**{name: (row or {}).get(name, 0) for name in cls.__dataclass_fields__})

    @classmethod
    def lately_of_row(cls, row: Mapping[str, Any] | None) -> Served:
        """Read what was counted in the row's window and in the one before it; all, where windows were not counted."""
        if "window" not in (row := row or {}):
            return cls.of_row(row)
        kinds = ("window_", "before_")
        return cls(**{name: sum(row.get(kind + name, 0) for kind in kinds) for name in cls.__dataclass_fields__})

    @property
    def mean_ms(self) -> int | None:
        """The mean time of a call in milliseconds, None without any."""
        return round(self.latency_ms / self.requests) if self.requests else None

    def __str__(self) -> str:
        calls = f"{self.failures:,} of {self.requests:,} calls of its endpoint"
        return calls if self.mean_ms is None else f"{calls} (mean {self.mean_ms:,} ms)"


def why_refused(version: Served, before: Served) -> str | None:
    """Return in one sentence with numbers that a version fails more than the one before; None when it does not, or
    when that cannot be told yet.
    """
    if version.requests < LEAST_REQUESTS:
        return None
    at_least, at_most = _interval(version)[0], _interval(before)[1]
    if at_least <= at_most:
        return None
    return (
        f"it failed {version}, the version before {before} in its last hours: at least {at_least:.1%} against at most "
        f"{at_most:.1%}, each with a confidence of 99.9 %"
    )


def _interval(served: Served) -> tuple[float, float]:
    """Return both ends of the Wilson score interval of the share of failures; of nothing, all there is."""
    if not served.requests:
        return 0.0, 1.0
    count, share = served.requests, served.failures / served.requests
    centre, spread = share + Z**2 / (2 * count), Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    scale = 1 + Z**2 / count
    return (centre - spread) / scale, (centre + spread) / scale
