"""Quota: how much of the API a tenant may use, what it has used, and how headers report both.

A rate is counted in fixed windows of ten seconds, rows and requests by the day in UTC. A process takes
requests from the tenant's count before it admits them, in blocks of about a second's need: so no number of processes
admits more than the limits, and each may hold back at most `Limits.largest_block`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.errors import DailyQuotaExceeded, InvalidOperation, RateExceeded

WINDOW_SECONDS = 10
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Limits:
    """What a tenant may use; the operator may set others for a tenant."""

    requests_per_second: int = 50
    requests_per_day: int = 1_000_000
    rows_per_day: int = 10_000_000

    @property
    def window_requests(self) -> int:
        """How many requests one window allows."""
        return self.requests_per_second * WINDOW_SECONDS

    @property
    def largest_block(self) -> tuple[int, int]:
        """How many requests and rows one process may take at once beyond what it needs now: a second's requests, and no
        more than a thousandth of a day's requests or rows; always at least one request.
        """
        return max(1, min(self.requests_per_second, self.requests_per_day // 1000)), self.rows_per_day // 1000

    def as_document(self) -> dict[str, int]:
        """Return the limits as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Limits:
        """Read a JSON object of limits; an omitted limit has its default.

        Raises:
            InvalidOperation: names each field that is unknown or not a whole number from 1 up.
        """
        limits = operator_requests.read(document, dict.fromkeys(cls.__dataclass_fields__, int))
        wrong = [f"{name}: expected 1 to 10^12" for name, value in limits.items() if not 1 <= value <= 10**12]
        if wrong:
            raise InvalidOperation("; ".join(wrong))
        return cls(**limits)


@dataclass(frozen=True)
class Usage:
    """What a tenant has used: on the day that `day` names (`2026-11-22`), and in the window that began at `window`
    (seconds since 1970).
    """

    day: str
    window: int
    requests: int = 0
    rows: int = 0
    window_requests: int = 0

    @classmethod
    def at(cls, now: float) -> Usage:
        """Return an unused quota, at a time in seconds since 1970."""
        return cls(day_of(now), window_of(now))

    def plus(self, requests: int, rows: int) -> Usage:
        """Return the usage with more of both."""
        return Usage(self.day, self.window, self.requests + requests, self.rows + rows, self.window_requests + requests)

    def less(self, requests: int, rows: int, earlier_requests: int) -> Usage:
        """Return the usage without what is held: requests of this window, rows, and requests of earlier windows."""
        return Usage(
            self.day,
            self.window,
            self.requests - requests - earlier_requests,
            self.rows - rows,
            self.window_requests - requests,
        )

    def until(self, now: float) -> Usage:
        """Return the usage that still counts: a new day starts at zero, and so does a new window."""
        if self.day != day_of(now):
            return Usage.at(now)
        if self.window < window_of(now):
            return Usage(self.day, window_of(now), self.requests, self.rows)
        return self


@dataclass
class Holding:
    """What one process holds of a count: taken from the tenant's count, and not yet used."""

    left: int = 0
    _size: int = 0  # after the last taking
    _used: int = 0  # since the last taking
    _last: int = 0  # the last use
    _taken_at: float = 0.0

    def use(self, count: int) -> None:
        """Use what is held."""
        self.left -= count
        self._used += count
        self._last = count

    def take(self, count: int, now: float) -> None:
        """Add what was taken from the tenant's count."""
        self.left += count
        self._size, self._used, self._taken_at = self.left, 0, now

    def wish(self, now: float, largest: int) -> int:
        """Return how many to hold: a second's need, or one more request like the last.

        At most twice as many as last time, so that a process that idles after a burst holds little back.
        """
        needed = max(int(self._used / max(now - self._taken_at, 0.001)), self._last)
        return min(needed, max(2 * self._size, self._last), largest)


def day_of(now: float) -> str:
    """Return the day, in UTC, of a time in seconds since 1970."""
    return _day(int(now) // DAY_SECONDS)


@lru_cache(maxsize=2)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_SECONDS, UTC).strftime("%Y-%m-%d")


def window_of(now: float) -> int:
    """Return when the window of a time began, both in seconds since 1970."""
    return int(now) // WINDOW_SECONDS * WINDOW_SECONDS


def seconds_to(now: float, period_seconds: int) -> int:
    """Return how long the window or day still lasts: at least one second."""
    return period_seconds - int(now) % period_seconds


def check(limits: Limits, usage: Usage, now: float) -> None:
    """Refuse what exceeds the limits; `usage` includes the request.

    Raises:
        RateExceeded: too many requests in this window.
        DailyQuotaExceeded: too many requests or rows on this day.
    """
    if usage.window_requests > limits.window_requests:
        raise RateExceeded(
            f"more than {limits.requests_per_second} requests per second, over {WINDOW_SECONDS} seconds; slow down, "
            "or ask the operator for more",
            seconds_to(now, WINDOW_SECONDS),
        )
    for what, used, limit in (
        ("requests", usage.requests, limits.requests_per_day),
        ("rows", usage.rows, limits.rows_per_day),
    ):
        if used > limit:
            raise DailyQuotaExceeded(
                f"this request exceeds the {limit:,} {what} of this day; the quota resets at midnight UTC, or ask the "
                "operator for more",
                seconds_to(now, DAY_SECONDS),
            )


def headers(limits: Limits, usage: Usage, now: float) -> dict[str, str]:
    """Return the state of the quota as headers (draft-ietf-httpapi-ratelimit-headers-10)."""
    window, day = seconds_to(now, WINDOW_SECONDS), seconds_to(now, DAY_SECONDS)
    policies = (
        ("rate", limits.window_requests, usage.window_requests, WINDOW_SECONDS, window),
        ("requests", limits.requests_per_day, usage.requests, DAY_SECONDS, day),
        ("rows", limits.rows_per_day, usage.rows, DAY_SECONDS, day),
    )
    return {
        "RateLimit-Policy": ", ".join(f'"{name}";q={limit};w={period}' for name, limit, _, period, _ in policies),
        "RateLimit": ", ".join(
            f'"{name}";r={max(0, limit - used)};t={rest}' for name, limit, used, _, rest in policies
        ),
    }


def report(limits: Limits, usage: Usage, now: float) -> dict[str, Any]:
    """Return this day's usage as the API shows it."""

    def of(used: int, limit: int) -> dict[str, int]:
        return {"used": used, "limit": limit, "remaining": max(0, limit - used)}

    resets_at = datetime.fromtimestamp(int(now) + seconds_to(now, DAY_SECONDS), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "day": usage.day,
        "resets_at": resets_at,
        "requests": of(usage.requests, limits.requests_per_day),
        "rows": of(usage.rows, limits.rows_per_day),
        "rate": of(usage.window_requests, limits.window_requests) | {"window_seconds": WINDOW_SECONDS},
    }
