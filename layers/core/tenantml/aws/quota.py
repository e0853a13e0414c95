"""What each tenant uses of the API, counted in the registry: at most one write a second per process and tenant.

A process counts by itself and adds its count to the table's when a second has passed since it last did, or when the
rows that it holds back exceed a hundredth of the day's. The table answers with what all processes counted, and that
decides. So a flood gets through for a second per process before all of them know of it; what a process counted in its
last second is lost if it ends then. A refused request is counted only if it came with such a write.

| pk | sk | what |
|---|---|---|
| `TENANT#{tenant}` | `LIMITS` | the operator's limits for this tenant |
| `TENANT#{tenant}` | `USAGE#{day}` | `requests`, `rows`, and `window_requests` of the window that began at `window` |
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from tenantml.aws import tenant_scope
from tenantml.aws.clients import THROTTLES, error_code
from tenantml.aws.dynamodb import from_item, to_item
from tenantml.domain import quota
from tenantml.domain.quota import Limits, Usage
from tenantml.settings import setting

WRITE_SECONDS = 1.0
LIMITS_SECONDS = 60.0
KEPT_DAYS = 90
OVERLOADED = THROTTLES | {"ProvisionedThroughputExceededException"}

# The window that the row has, a newer one, or the newer one that another process began just now.
_SAME = ("ADD #requests :requests, #rows :rows, #used :requests", "#window = :window")
_NEWER = (
    "SET #window = :window, #used = :requests, #expires = :expires ADD #requests :requests, #rows :rows",
    "attribute_not_exists(#window) OR #window < :window",
)
_NAMES = {"#requests": "requests", "#rows": "rows", "#used": "window_requests", "#window": "window"}


class Meter:
    """One tenant's usage as this process knows it."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._limits, self._limits_read_at = Limits(), 0.0
        self._known, self._written_at = Usage.at(0), 0.0
        self._requests = self._rows = 0

    def admit(self) -> None:
        """Count one request.

        Raises:
            QuotaError: it is one too many.
        """
        now = self._look_at_limits()
        self._count(now, requests=1)
        if now - self._written_at >= WRITE_SECONDS:
            self._write(now)
            quota.check(self._limits, self._usage(now), now)

    def spend(self, rows: int) -> None:
        """Count rows to predict: all of them or none.

        Raises:
            QuotaError: they are too many.
        """
        now = self._look_at_limits()
        self._count(now, rows=rows)
        if self._rows * 100 >= self._limits.rows_per_day:
            self._write(now)

    def headers(self) -> dict[str, str]:
        """Return the state of the quota as headers."""
        now = time.time()
        return quota.headers(self._limits, self._usage(now), now)

    def report(self) -> dict[str, Any]:
        """Return this day's usage, with what this process has not yet written."""
        now = self._look_at_limits()
        self._write(now)
        return quota.report(self._limits, self._usage(now), now)

    def _usage(self, now: float) -> Usage:
        return self._known.until(now).plus(self._requests, self._rows)

    def _count(self, now: float, *, requests: int = 0, rows: int = 0) -> None:
        quota.check(self._limits, self._usage(now).plus(requests, rows), now)
        self._requests += requests
        self._rows += rows

    def _look_at_limits(self) -> float:
        now = time.time()
        if now - self._limits_read_at >= LIMITS_SECONDS:
            self._limits, self._limits_read_at = find_limits(self._tenant), now
        return now

    def _write(self, now: float) -> None:
        """Add what was counted here to the table's count, and learn that."""
        today = Usage.at(now)
        values: dict[str, Any] = {":requests": self._requests, ":rows": self._rows, ":window": today.window}
        self._written_at = now
        for expression, condition in (_SAME, _NEWER, _SAME):
            newer = expression == _NEWER[0]
            try:
                answer = tenant_scope.dynamodb().update_item(
                    TableName=setting("REGISTRY_TABLE"),
                    Key=_key(self._tenant, f"USAGE#{today.day}"),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=_NAMES | ({"#expires": "forget_at"} if newer else {}),
                    ExpressionAttributeValues=to_item(
                        values | ({":expires": int(now) + KEPT_DAYS * quota.DAY_SECONDS} if newer else {})
                    ),
                    ReturnValues="ALL_NEW",  # of what an update leaves as it was, UPDATED_NEW may say nothing
                )
            except ClientError as error:
                if error_code(error) in OVERLOADED:  # the count waits; a prediction does not fail for it
                    return
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
            else:
                found = from_item(answer["Attributes"])
                self._known = Usage(today.day, today.window, found["requests"], found["rows"], found["window_requests"])
                self._requests = self._rows = 0
                return


@lru_cache(maxsize=1000)
def of(tenant: str) -> Meter:
    """Return the process's meter of a tenant."""
    return Meter(tenant)


def find_limits(tenant: str) -> Limits:
    """Return the limits that the operator set for the tenant, or the defaults."""
    answer = tenant_scope.dynamodb().get_item(TableName=setting("REGISTRY_TABLE"), Key=_key(tenant, "LIMITS"))
    row = from_item(answer.get("Item", {}))
    return Limits.from_document({name: row[name] for name in Limits.__dataclass_fields__ if name in row})


def set_limits(tenant: str, limits: Limits) -> None:
    """Write the operator's limits for a tenant; every process follows them within a minute."""
    tenant_scope.dynamodb().put_item(
        TableName=setting("REGISTRY_TABLE"),
        Item=to_item({"pk": f"TENANT#{tenant}", "sk": "LIMITS", **limits.as_document()}),
    )


def _key(tenant: str, sk: str) -> dict[str, Any]:
    return to_item({"pk": f"TENANT#{tenant}", "sk": sk})
