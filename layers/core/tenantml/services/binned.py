"""Into which bins the values fell that each version was asked and answered, counted in a row of its own that the
predict function may write (docs/decisions/0042).

A process keeps what it counted and adds it to the row with an answer: with every sixtieth call, and at most every ten
seconds; and with the first call in five minutes, so that a model that is seldom asked is counted too. What a process
did not write yet is lost when it ends, and no prediction fails for a count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache

from tenantml.aws.error_codes import BUSY, NO_ANSWER, AwsError, code_of
from tenantml.domain.drift.watch import Counting, Watch, unpacked
from tenantml.domain.predictions.answers import Predictions
from tenantml.services.registry import keys, table
from tenantml.services.registry.keys import Key

FLUSH_SECONDS, SELDOM_SECONDS = 10.0, 300.0
FLUSH_CALLS = 60
KEPT_SECONDS = 90 * 24 * 3600  # after the last call, as what a tenant used


class Binned:
    """What this process counted of one version and did not write yet."""

    __slots__ = ("_calls", "_counting", "_key", "_written_at")

    def __init__(self, key: Key, watch: Watch) -> None:
        self._key, self._counting, self._calls, self._written_at = key, Counting(watch), 0, -math.inf

    def count(self, values: Sequence[Sequence[str]], predictions: Predictions) -> None:
        """Count a request, its values by column and its answers, and write what was counted, if it is time."""
        self._counting.add(values, predictions)
        self._calls += 1
        now = time.monotonic()
        since = now - self._written_at
        if since >= SELDOM_SECONDS or (self._calls >= FLUSH_CALLS and since >= FLUSH_SECONDS):
            self._write(now)

    def _write(self, now: float) -> None:
        self._written_at, numbers = now, self._counting.numbers()
        try:
            if numbers:
                table.add(self._key, numbers, int(time.time()) + KEPT_SECONDS)
        except (AwsError, *NO_ANSWER) as error:
            if code_of(error) in BUSY:
                return  # the next write has it
            raise
        self._calls = 0
        self._counting.clear()


@lru_cache(maxsize=1000)
def binned(tenant: str, model: str, version: str, watch: Watch) -> Binned | None:
    """Return the process's counts of a version, of which this is watched; None if nothing is."""
    return Binned(keys.binned(tenant, model, version), watch) if watch.size else None


def of(tenant: str, model: str, version: str, watch: Watch) -> list[int]:
    """Return how many values fell into each bin so far, of what is watched of a version."""
    return unpacked(table.get(keys.binned(tenant, model, version)) or {}, watch.size)
