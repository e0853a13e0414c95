"""Quota: what still counts, what is refused, and how headers report it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.tenancy import usage_limits
from tenantml.domain.tenancy.usage_limits import Limits, Usage
from tenantml.errors import DailyQuotaExceeded, InvalidOperation, RateExceeded

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z
LIMITS = Limits(requests_per_second=2, requests_per_day=100, rows_per_day=1000)


def test_a_window_starts_at_zero_and_keeps_the_day() -> None:
    used = Usage.at(NOON).plus(5, 50)
    assert used.until(NOON + 9.9) == used
    assert used.until(NOON + 10) == Usage("2026-11-22", int(NOON) + 10, 5, 50, 0)


def test_a_day_starts_at_zero_at_midnight_utc() -> None:
    assert Usage.at(NOON).plus(5, 50).until(NOON + 43_199).requests == 5
    assert Usage.at(NOON).plus(5, 50).until(NOON + 43_200) == Usage.at(NOON + 43_200)


@given(st.integers(0, 10), st.integers(0, 40), st.integers(0, 2000))
def test_exactly_what_exceeds_a_limit_is_refused(windows: int, requests: int, rows: int) -> None:
    usage = Usage(
        usage_limits.day_of(NOON),
        usage_limits.window_of(NOON),
        requests=windows * 20 + requests,
        rows=rows,
        window_requests=requests,
    )
    if requests <= 20 and usage.requests <= 100 and rows <= 1000:
        usage_limits.check(LIMITS, usage, NOON)
    else:
        with pytest.raises(RateExceeded if requests > 20 else DailyQuotaExceeded) as refused:
            usage_limits.check(LIMITS, usage, NOON)
        assert 1 <= refused.value.retry_after_seconds <= 86_400


def test_the_headers_say_what_is_left_and_until_when() -> None:
    usage = Usage.at(NOON).plus(3, 30)
    assert usage_limits.headers(LIMITS, usage, NOON + 4) == {
        "RateLimit-Policy": '"rate";q=20;w=10, "requests";q=100;w=86400, "rows";q=1000;w=86400',
        "RateLimit": '"rate";r=17;t=6, "requests";r=97;t=43196, "rows";r=970;t=43196',
    }


def test_a_report_never_goes_below_nothing_left() -> None:
    found = usage_limits.report(LIMITS, Usage.at(NOON).plus(0, 2000), NOON)
    assert found["rows"] == {"used": 2000, "limit": 1000, "remaining": 0}
    assert (found["day"], found["resets_at"]) == ("2026-11-22", "2026-11-23T00:00:00Z")


def test_limits_are_read_and_what_is_left_out_has_its_default() -> None:
    assert Limits.from_document({"rows_per_day": 5}) == Limits(rows_per_day=5)
    assert Limits.from_document(LIMITS.as_document()) == LIMITS


@pytest.mark.parametrize("document", [{"rows": 1}, {"rows_per_day": 0}, {"rows_per_day": True}, {"rows_per_day": "9"}])
def test_limits_that_cannot_be_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(InvalidOperation, match=next(iter(document))):
        Limits.from_document(document)
