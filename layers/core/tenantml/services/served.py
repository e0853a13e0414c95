"""What each version answered, counted in a row that the predict function may write: calls of its endpoint, failures
among them, and the time of all.

A process keeps what it counted and adds it to the row with an answer: at most every ten seconds, and no fewer than six
calls at once, so that counting costs less than a twentieth of what a prediction of 100 rows costs us. What a process
did not write yet is lost when it ends, failures no more than answers; and no prediction waits or fails for a count
(docs/decisions/0022), but one that has failed: whether it is the version's failure, the version before may know
(docs/decisions/0035). The row has all that a version answered, and the last two hours in which it was called apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
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
WINDOW_SECONDS = 3600
MAYBE_THE_ROWS: Final = (UnreadableAnswer, WrongPredictionCount)
"""What an endpoint may fail with on rows that no version answers."""
FAILURES: Final = (AnswerTimedOut, EndpointGone, EndpointUnavailable, *MAYBE_THE_ROWS)
"""What is the endpoint's own failure; the customer's account taking our access away is not."""
QUICK_SECONDS = 2.0
"""After a failure that took longer, another call would not end before API Gateway does."""

logger = Logger(service="tenantml")


class Tally:
    """What this process counted of one version and did not write yet."""

    __slots__ = ("_counted", "_of", "_written_at")

    def __init__(self, tenant: str, model: str, version: str) -> None:
        self._of, self._written_at = {"tenant": tenant, "model": model, "version": version}, 0.0
        self._counted = [0, 0, 0.0]

    def call(self, is_rows_fault: Callable[[], bool]) -> Call:
        """Return what counts a call in a `with`; a failure that may be the rows' is none when `is_rows_fault()`."""
        return Call(self, is_rows_fault)

    def count(self, seconds: float, *, failed: bool) -> None:
        """Count one call of so many seconds, and write what was counted, if it is time."""
        counted, now = self._counted, time.monotonic()
        counted[0] += 1
        counted[1] += failed
        counted[2] += seconds
        if counted[0] >= FLUSH_CALLS and now - self._written_at >= FLUSH_SECONDS:
            self._write(now)

    def _write(self, now: float) -> None:
        self._written_at = now
        requests, failures, seconds = self._counted
        counted = {"requests": int(requests), "failures": int(failures), "latency_ms": round(1000 * seconds)}
        epoch = int(time.time())
        try:
            table.add_in_window(keys.served(**self._of), counted, epoch // WINDOW_SECONDS, epoch + KEPT_SECONDS)
        except (AwsError, *NO_ANSWER) as error:
            if code_of(error) in BUSY:
                return  # the next write has it
            raise
        logger.info("version answered", extra={**self._of, **counted})  # what the dashboard sums up
        self._counted = [0, 0, 0.0]


class Call:
    """One call of a version's endpoint, from `with` to the end of its answer."""

    __slots__ = ("_began", "_is_rows_fault", "_tally")

    def __init__(self, tally: Tally, is_rows_fault: Callable[[], bool]) -> None:
        self._tally, self._is_rows_fault = tally, is_rows_fault

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.monotonic() - self._began
        if kind is None:
            self._tally.count(seconds, failed=False)
        elif issubclass(kind, FAILURES):
            may_be_rows = issubclass(kind, MAYBE_THE_ROWS) and seconds < QUICK_SECONDS
            if not (may_be_rows and self._is_rows_fault()):
                self._tally.count(seconds, failed=True)


@lru_cache(maxsize=1000)
def tally(tenant: str, model: str, version: str) -> Tally:
    """Return the process's tally of a version."""
    return Tally(tenant, model, version)


def of(tenant: str, model: str, version: str) -> Served:
    """Return what was counted of a version so far."""
    return Served.of_row(table.get(keys.served(tenant, model, version)))


def lately(tenant: str, model: str, version: str) -> Served:
    """Return what was counted of a version in the last two hours in which it was called, the latter not yet over."""
    return Served.lately_of_row(table.get(keys.served(tenant, model, version)))
