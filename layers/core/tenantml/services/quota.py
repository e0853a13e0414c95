"""What each tenant uses of the API, counted in the registry before it is used: at most about one write a second per
process and tenant.

A process takes a block of requests and rows from what the limits leave, in one conditional write, and lets that many
through by itself: about a second's need, nothing in advance while a tenant sends little. So however many processes
there are, they never let more through than the limits; each holds back at most a block, which it gives back to the
day's count with its next one, and which is lost if it ends (docs/decisions/0009).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tenantml.aws.dynamodb import from_item, to_item
from tenantml.aws.error_codes import BUSY, CONDITION_FAILED, AwsError, code_of
from tenantml.domain.tenancy import usage_limits
from tenantml.domain.tenancy.usage_limits import Holding, Limits, Usage
from tenantml.errors import DailyQuotaExceeded, RateExceeded
from tenantml.services import tenant_scope
from tenantml.services.registry import keys, table

LIMITS_SECONDS = 60.0
ASK_AGAIN_SECONDS = 1.0
KEPT_DAYS = 90
ATTEMPTS = 5  # the table's window and what is left may each differ from what this process knows

_NAMES = {"#requests": "requests", "#rows": "rows", "#used": "window_requests", "#window": "window"}


class Meter:
    """One tenant's usage as this process knows it, and what this process holds of it."""

    def __init__(self, tenant: str, clock: Callable[[], float] = time.time) -> None:
        self._tenant, self._clock = tenant, clock
        self._limits, self._limits_read_at = Limits(), 0.0
        self._known, self._table_window = Usage.at(0), 0  # by all processes, what they hold included
        self._requests, self._rows = Holding(), Holding()
        # Counted in the table and not used, or, if negative, used and not counted: the next write makes up for it.
        self._spare_requests = self._spare_rows = 0
        self._asked_at, self._logged_at = 0.0, 0

    def admit(self) -> None:
        """Count one request.

        Raises:
            QuotaError: it is one too many.
        """
        now = self._look_around()
        if not self._requests.left:
            self._take(now, requests=1)
        self._requests.use(1)

    def spend(self, rows: int) -> None:
        """Count rows to predict: all of them or none.

        Raises:
            QuotaError: they are too many.
        """
        now = self._look_around()
        if self._rows.left < rows:
            self._take(now, rows=rows - self._rows.left)
        self._rows.use(rows)

    def is_news(self) -> bool:
        """Return whether a refusal is worth a line in the log: one per window, so that a flood does not fill it."""
        window = usage_limits.window_of(self._clock())
        is_news, self._logged_at = window != self._logged_at, window
        return is_news

    def headers(self) -> dict[str, str]:
        """Return the state of the quota as headers."""
        now = self._clock()
        return usage_limits.headers(self._limits, self._usage(now), now)

    def report(self) -> dict[str, Any]:
        """Return this day's usage; what other processes hold counts as used."""
        now = self._look_around()
        self._learn(table.get(keys.usage(self._tenant, self._known.day)) or {})
        return usage_limits.report(self._limits, self._usage(now), now)

    def _usage(self, now: float) -> Usage:
        """What is used, by all processes; what this one holds is not."""
        rows = self._rows.left + self._spare_rows
        return self._known.less(self._requests.left, rows, self._spare_requests).until(now)

    def _look_around(self) -> float:
        """Return the time, and drop what belongs to an earlier window or day."""
        now = self._clock()
        if now - self._limits_read_at >= LIMITS_SECONDS:
            self._limits, self._limits_read_at = find_limits(self._tenant), now
        current = self._known.until(now)
        if current.window != self._known.window:
            self._spare_requests += self._requests.left
            self._requests.left = 0
        if current.day != self._known.day:
            self._spare_requests = self._spare_rows = self._rows.left = self._table_window = 0
        self._known = current
        return now

    def _take(self, now: float, *, requests: int = 0, rows: int = 0) -> None:
        """Take at least this many from what the limits leave, and at best what a second needs.

        Raises:
            QuotaError: not even these are left.
        """
        try:
            self._check(now, requests, rows)
        except DailyQuotaExceeded:
            if now - self._asked_at < ASK_AGAIN_SECONDS:  # by then, another process may have given some back
                raise
        self._asked_at = now
        for attempt in range(ATTEMPTS):
            block = self._block(now, requests, rows) if attempt < ATTEMPTS / 2 else (requests, rows)
            try:
                answer = self._write(now, *block)
            except AwsError as error:
                if code_of(error) in BUSY:  # the count waits; a prediction does not fail for it
                    self._spare_requests -= block[0]
                    self._spare_rows -= block[1]
                    break
                if code_of(error) not in CONDITION_FAILED:
                    raise
                self._learn(from_item(error.response.get("Item", {})))  # type: ignore[arg-type]
                self._check(now, requests, rows)
            else:
                self._spare_requests = self._spare_rows = 0
                self._learn(from_item(answer["Attributes"]))
                break
        else:
            raise RateExceeded("this tenant's requests come from too many places at once; try again", 1)
        self._requests.take(block[0], now)
        self._rows.take(block[1], now)

    def _check(self, now: float, requests: int, rows: int) -> None:
        counted = self._known.less(0, self._spare_rows, self._spare_requests)
        usage_limits.check(self._limits, counted.plus(requests, rows), now)

    def _block(self, now: float, requests: int, rows: int) -> tuple[int, int]:
        """What to take: as much as is needed, and up to what a second needs of what is left."""
        known, limits = self._known, self._limits
        most_requests, most_rows = limits.largest_block
        left = min(limits.window_requests - known.window_requests, limits.requests_per_day - known.requests)
        more_requests = min(self._requests.wish(now, most_requests) - self._requests.left, left)
        more_rows = min(self._rows.wish(now, most_rows) - self._rows.left, limits.rows_per_day - known.rows)
        return max(requests, more_requests), max(rows, more_rows)

    def _write(self, now: float, requests: int, rows: int) -> Any:
        """Add to the table's count unless it would exceed the limits."""
        limits, window = self._limits, self._known.window
        add_requests, add_rows = requests - self._spare_requests, rows - self._spare_rows
        values = {":window": window, ":requests": add_requests, ":rows": add_rows, ":used": requests}
        conditions = []
        if window == self._table_window:
            update, names = "ADD #requests :requests, #rows :rows, #used :used", _NAMES
            conditions.append("#window = :window")
            if requests:
                conditions.append("#used <= :most_used")
                values[":most_used"] = limits.window_requests - requests
        else:
            update = "SET #window = :window, #used = :used, #expires = :expires ADD #requests :requests, #rows :rows"
            names = _NAMES | {"#expires": "forget_at"}
            conditions.append("(attribute_not_exists(#window) OR #window < :window)")
            values[":expires"] = int(now) + KEPT_DAYS * usage_limits.DAY_SECONDS
        for name, count, most in (
            ("requests", requests, limits.requests_per_day - add_requests),
            ("rows", rows, limits.rows_per_day - add_rows),
        ):
            if count:
                conditions.append(f"(attribute_not_exists(#{name}) OR #{name} <= :most_{name})")
                values[f":most_{name}"] = most
        return tenant_scope.dynamodb().update_item(
            **table.at(keys.usage(self._tenant, self._known.day)),
            UpdateExpression=update,
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item(values),
            ReturnValues="ALL_NEW",  # UPDATED_NEW may omit what an update leaves unchanged
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _learn(self, stored: dict[str, Any]) -> None:
        """Adopt the table's row as what is known; it may be in a later window than our clock."""
        row = {"window": 0, "requests": 0, "rows": 0, "window_requests": 0} | stored
        self._table_window = row["window"]
        window = max(self._known.window, row["window"])
        used = row["window_requests"] if row["window"] == window else 0
        self._known = Usage(self._known.day, window, row["requests"], row["rows"], used)


@lru_cache(maxsize=1000)
def of(tenant: str) -> Meter:
    """Return the process's meter of a tenant."""
    return Meter(tenant)


def find_limits(tenant: str) -> Limits:
    """Return the limits that the operator set for the tenant, or the defaults."""
    row = table.get(keys.limits(tenant), consistent=False) or {}
    return Limits.from_document({name: row[name] for name in Limits.__dataclass_fields__ if name in row})


def set_limits(tenant: str, limits: Limits, caps: Mapping[str, int] | None = None) -> None:
    """Write the operator's limits for a tenant, which every process follows within a minute, and the caps on what its
    trainings spend, which hold at once.
    """
    table.put(keys.limits(tenant), limits.as_document() | dict(caps or {}))
