"""What each version answered, counted in a row that the predict function may write: calls of its endpoint, failures
among them, and the time of all.

A process keeps what it counted and adds it to the row with an answer: at most every ten seconds, and no fewer than six
calls at once, so that counting costs less than a twentieth of what a prediction of 100 rows costs us. What a process
did not write yet is lost when it ends, failures no more than answers; and no prediction waits or fails for a count
(docs/decisions/0022).
"""

from __future__ import annotations

import time
from functools import lru_cache
from types import TracebackType
from typing import Final

from aws_lambda_powertools import Logger

from tenantml.aws.error_codes import BUSY, NO_ANSWER, AwsError, code_of
from tenantml.domain.judging.baking import Served
from tenantml.errors import AnswerTimedOut, EndpointGone, EndpointUnavailable, UnreadableAnswer, WrongPredictionCount
from tenantml.services.registry import keys, table

FLUSH_SECONDS = 10.0
FLUSH_CALLS = 6
KEPT_SECONDS = 90 * 24 * 3600  # after the last call, as what a tenant used
FAILURES: Final = (AnswerTimedOut, EndpointGone, EndpointUnavailable, UnreadableAnswer, WrongPredictionCount)
"""What is the endpoint's own failure; the customer's account taking our access away is not."""

logger = Logger(service="tenantml")


class Tally:
    """What this process counted of one version and did not write yet; `with tally:` counts one call."""

    __slots__ = ("_began", "_failures", "_latency", "_of", "_requests", "_written_at")

    def __init__(self, tenant: str, model: str, version: str) -> None:
        self._of, self._written_at, self._began = {"tenant": tenant, "model": model, "version": version}, 0.0, 0.0
        self._requests, self._failures, self._latency = 0, 0, 0.0

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
        if self._requests >= FLUSH_CALLS and now - self._written_at >= FLUSH_SECONDS:
            self._write(now)

    def _write(self, now: float) -> None:
        self._written_at = now
        counted = {
            "requests": self._requests,
            "failures": self._failures,
            "latency_ms": round(1000 * self._latency),
        }
        try:
            table.add(keys.served(**self._of), counted, int(time.time()) + KEPT_SECONDS)
        except (AwsError, *NO_ANSWER) as error:
            if code_of(error) in BUSY:
                return  # the next write has it
            raise
        logger.info("version answered", extra={**self._of, **counted})  # what the dashboard sums up
        self._requests, self._failures, self._latency = 0, 0, 0.0


@lru_cache(maxsize=1000)
def tally(tenant: str, model: str, version: str) -> Tally:
    """Return the process's tally of a version."""
    return Tally(tenant, model, version)


def of(tenant: str, model: str, version: str) -> Served:
    """Return what was counted of a version so far."""
    return Served.of_row(table.get(keys.served(tenant, model, version)))
