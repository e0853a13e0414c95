"""When a delivery is tried again: for a day, at growing intervals (Standard Webhooks 1.0.0, "Deliverability")."""

from __future__ import annotations

from collections.abc import Callable

WAITS_SECONDS = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600)
ATTEMPTS = len(WAITS_SECONDS) + 1
JITTER = 0.1
MOST_SECONDS = 43_000
"""A message of SQS can be hidden for 12 hours from when it was taken (SQS API reference, ChangeMessageVisibility)."""


def wait_after(attempt: int, retry_after: int | None, random: Callable[[], float]) -> int | None:
    """Return for how many seconds to wait after a failed attempt (from 1), None after the last one. What the receiver
    asks for (`Retry-After`, in seconds) is kept to if it is longer; `random` gives 0 to 1.
    """
    if attempt >= ATTEMPTS:
        return None
    wait = WAITS_SECONDS[attempt - 1] * (1 + JITTER * random())
    return min(MOST_SECONDS, int(max(wait, retry_after or 0)))
