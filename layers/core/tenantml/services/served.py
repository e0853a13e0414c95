"""What each version answered, counted in a row that the predict function may write: calls of its endpoint, failures
among them, and the time of all; and into which bins the values that it was asked and answered fell.

A process keeps what it counted and adds it to the row with an answer: at most every ten seconds, and no fewer than six
calls at once, so that counting costs less than a twentieth of what a prediction of 100 rows costs us. The bins, which
are more numbers, go with every tenth of these writes; and all goes with the first call in five minutes, so that a model
that is seldom asked is counted too. What a process did not write yet is lost when it ends, failures no more than
answers; and no prediction fails for a count (docs/decisions/0022, 0042).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType
from typing import Final

from aws_lambda_powertools import Logger

from tenantml.aws.error_codes import BUSY, NO_ANSWER, AwsError, code_of
from tenantml.domain.drift.watch import Counting, Watch, unpacked
from tenantml.domain.judging.baking import Served
from tenantml.domain.predictions.answers import Predictions
from tenantml.errors import AnswerTimedOut, EndpointGone, EndpointUnavailable, UnreadableAnswer, WrongPredictionCount
from tenantml.services.registry import keys, table

FLUSH_SECONDS = 10.0
FLUSH_CALLS = 6
BINS_CALLS = 60
SELDOM_SECONDS = 300.0
KEPT_SECONDS = 90 * 24 * 3600  # after the last call, as what a tenant used
FAILURES: Final = (AnswerTimedOut, EndpointGone, EndpointUnavailable, UnreadableAnswer, WrongPredictionCount)
"""What is the endpoint's own failure; the customer's account taking our access away is not."""

logger = Logger(service="tenantml")


class Tally:
    """What this process counted of one version and did not write yet; `with tally:` counts one call."""

    __slots__ = ("_began", "_bins", "_calls", "_failures", "_latency", "_of", "_requests", "_written_at")

    def __init__(self, tenant: str, model: str, version: str, watch: Watch) -> None:
        self._of, self._began = {"tenant": tenant, "model": model, "version": version}, 0.0
        self._requests, self._failures, self._latency = 0, 0, 0.0
        self._bins, self._calls, self._written_at = Counting(watch), 0, -math.inf

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = time.monotonic()
        if kind is None or issubclass(kind, FAILURES):
            self._requests += 1
            self._failures += kind is not None
            self._latency += now - self._began

    def count(self, values: Sequence[Sequence[str]], predictions: Predictions) -> None:
        """Count the values of a request by column, and its answers, by their bins."""
        self._bins.add(values, predictions)

    def write_if_due(self) -> None:
        """Add what was counted to the version's row, unless that is too little yet."""
        now = time.monotonic()
        since = now - self._written_at
        is_seldom = since >= SELDOM_SECONDS
        if self._requests and (is_seldom or (self._requests >= FLUSH_CALLS and since >= FLUSH_SECONDS)):
            self._write(now, bins=is_seldom or self._calls + self._requests >= BINS_CALLS)

    def _write(self, now: float, *, bins: bool) -> None:
        self._written_at = now
        counted = {
            "requests": self._requests,
            "failures": self._failures,
            "latency_ms": round(1000 * self._latency),
        }
        numbers = self._bins.numbers() if bins else {}
        try:
            table.add(keys.served(**self._of), counted | numbers, int(time.time()) + KEPT_SECONDS)
        except (AwsError, *NO_ANSWER) as error:
            if code_of(error) in BUSY:
                return  # the next write has it
            raise
        logger.info("version answered", extra={**self._of, **counted})  # what the dashboard sums up
        self._calls = 0 if bins else self._calls + self._requests
        self._requests, self._failures, self._latency = 0, 0, 0.0
        if bins:
            self._bins.clear()


@lru_cache(maxsize=1000)
def tally(tenant: str, model: str, version: str, watch: Watch) -> Tally:
    """Return the process's tally of a version, of which this is watched."""
    return Tally(tenant, model, version, watch)


def of(tenant: str, model: str, version: str) -> Served:
    """Return what was counted of a version so far."""
    return Served.of_row(table.get(keys.served(tenant, model, version)))


def bins_of(tenant: str, model: str, version: str, watch: Watch) -> list[int]:
    """Return how many values fell into each bin so far, of what is watched of a version."""
    return unpacked(table.get(keys.served(tenant, model, version)) or {}, watch.size)
