"""What is counted of a month: seconds and micro-dollars by what they were for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.domain.pricing.prices import usd

TRAINING, BATCH, ENDPOINT = PURPOSES = ("training", "batch", "endpoint")
SAVED = "saved"
COUNTED = tuple(f"{what}_{unit}" for what in (*PURPOSES, SAVED) for unit in ("seconds", "micros"))
FLAGS = ("unmeasured", "unpriced", "serverless", "scaled", "saved_unpriced")
Spent = Mapping[str, int]
"""By what it was for: `training_seconds`, `training_micros`, and so of `batch` and `endpoint`; how long pauses let no
endpoint stand, and what that `saved`; and how many were `unmeasured` (trainings and batches, counted at their worst
case), `unpriced`, `serverless` (not counted), `scaled` (counted at their most instances), or saved what is unpriced.
"""


def shown(row: Spent) -> dict[str, Any]:
    """Return a row as the API shows it; what is unknown is null, with the reason."""
    found = {name: row.get(name, 0) for name in (*COUNTED, *FLAGS)}
    reasons = {
        "unpriced": "the price table lacks a price of something that it used",
        "serverless": "serverless endpoints are billed by the time of their requests, which nobody measures here",
        "scaled": "endpoints that scale count as if they always had their most instances",
        "saved_unpriced": "the price table lacks the price of an endpoint that a pause removed",
        "unmeasured": f"trainings and batches not measured, counted at their worst case: {found['unmeasured']}",
    }
    reason = "; ".join(reasons[name] for name in FLAGS if found[name]) or None
    is_unknown = dict.fromkeys(PURPOSES, found["unpriced"]) | {SAVED: found["saved_unpriced"]}
    is_unknown[ENDPOINT] |= found["serverless"]
    return {
        what: {"usd": usd(None if unknown else found[f"{what}_micros"]), "seconds": found[f"{what}_seconds"]}
        for what, unknown in is_unknown.items()
    } | {"reason": reason}


def by_month(since: datetime, until: datetime) -> Iterator[tuple[str, int]]:
    """Yield the seconds of each month in a span of time, a month's rounded up."""
    while since < until:
        next_month = (since.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
            day=1
        )
        end = min(until, next_month)
        yield month_of(since), -(-(end - since) // timedelta(seconds=1))
        since = end


def day_of(now: datetime) -> str:
    """Return the day, in UTC."""
    return now.astimezone(UTC).strftime("%Y-%m-%d")


def month_of(now: datetime) -> str:
    """Return the month, in UTC."""
    return now.astimezone(UTC).strftime("%Y-%m")
