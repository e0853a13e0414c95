"""A tenant's limits hold however many processes its requests meet, and counting costs little."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tenantml.aws import clients
from tenantml.domain.tenancy.usage_limits import WINDOW_SECONDS, Limits
from tenantml.errors import DailyQuotaExceeded, QuotaError, RateExceeded
from tenantml.services import quota
from tests.integration.predict.conftest import REGION, TABLE, Process, forget_clients, make_table

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z: a window begins
BEFORE_MIDNIGHT = NOON + 43_190
_tenants = map("tenant-{}".format, itertools.count(1))


class Clock:
    """The time, as a test wants it."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The registry, and what was asked of it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": REGION,
        "REGISTRY_TABLE": TABLE,
    }.items():
        monkeypatch.setenv(name, value)
    forget_clients()
    with mock_aws():
        make_table(TABLE)
        found: list[str] = []
        events = clients.platform("dynamodb").meta.events
        events.register("before-call.dynamodb", lambda model, **_: found.append(model.name))
        yield found
    forget_clients()


def processes(count: int, limits: Limits, clock: Callable[[], float]) -> list[quota.Meter]:
    """Processes that meet the requests of one new tenant."""
    tenant = next(_tenants)
    quota.set_limits(tenant, limits)
    return [quota.Meter(tenant, clock) for _ in range(count)]


def is_let_through(meter: quota.Meter, rows: int) -> bool:
    """Say whether a request of so many rows is."""
    try:
        meter.admit()
        meter.spend(rows)
    except QuotaError:
        return False
    return True


STEPS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0, 11.0]), st.integers(1, 40)),
    min_size=20,
    max_size=90,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=STEPS,
    count=st.integers(1, 7),
    limits=st.builds(Limits, st.integers(1, 4), st.sampled_from([12, 50, 4000]), st.sampled_from([150, 900, 60_000])),
    skews=st.lists(st.sampled_from([0.0, 0.0, -3.0, 4.0]), min_size=7, max_size=7),
)
def test_no_number_of_processes_lets_more_through_than_the_limits(
    writes: list[str], steps: list[tuple[int, float, int]], count: int, limits: Limits, skews: list[float]
) -> None:
    """Nor do clocks that differ: then a window or day is that of the process that lets a request through."""
    clock = Clock(BEFORE_MIDNIGHT)
    tenant = next(_tenants)
    quota.set_limits(tenant, limits)
    meters = [quota.Meter(tenant, lambda skew=skew: clock.now + skew) for skew in skews[:count]]  # type: ignore[misc]
    requests: Counter[str] = Counter()
    windows: Counter[int] = Counter()
    rows: Counter[str] = Counter()
    for who, pause, row_count in steps:
        clock.now += pause
        meter = meters[who % count]
        try:
            meter.admit()
        except QuotaError:
            continue
        requests[meter._known.day] += 1
        windows[meter._known.window] += 1
        try:
            meter.spend(row_count)
        except QuotaError:
            continue
        rows[meter._known.day] += row_count
    assert max(windows.values()) <= limits.window_requests
    assert max(requests.values()) <= limits.requests_per_day
    assert max(rows.values(), default=0) <= limits.rows_per_day


@pytest.mark.parametrize("count", [1, 5, 30])
def test_all_but_a_block_of_each_process_is_let_through(writes: list[str], count: int) -> None:
    clock, limits = Clock(), Limits(requests_per_second=50)
    meters = processes(count, limits, clock)
    admitted = 0
    for number in range(1500):  # three times the rate, for one window
        clock.now = NOON + number * WINDOW_SECONDS / 1500
        admitted += is_let_through(meters[number % count], 1)
    held = sum(meter._requests.left for meter in meters)
    assert admitted + held == limits.window_requests
    assert held <= count * limits.largest_block[0]
    assert admitted >= limits.window_requests * 0.8


@pytest.mark.parametrize(("count", "per_second"), [(1, 50), (4, 40), (1, 1)])
def test_counting_costs_about_a_write_a_second_in_each_process(writes: list[str], count: int, per_second: int) -> None:
    clock, seconds = Clock(), 30
    meters = processes(count, Limits(), clock)
    for number in range(per_second * seconds):
        clock.now = NOON + number / per_second
        assert is_let_through(meters[number % count], 20)
    assert writes.count("UpdateItem") <= 2.0 * count * seconds


def test_a_flood_is_refused_without_a_call(writes: list[str]) -> None:
    clock = Clock()
    [meter] = processes(1, Limits(requests_per_second=1), clock)
    while is_let_through(meter, 1):
        pass
    writes.clear()
    assert not any(is_let_through(meter, 1) for _ in range(1000))
    assert writes == []
    assert [meter.is_news() for _ in range(3)] == [True, False, False]  # nor a thousand lines of log
    clock.now += WINDOW_SECONDS
    assert meter.is_news()
    assert is_let_through(meter, 1)


def test_a_day_that_is_over_is_asked_for_once_a_second_and_no_more(writes: list[str]) -> None:
    clock = Clock()
    meter, other = processes(2, Limits(rows_per_day=100), clock)
    other.spend(90)
    writes.clear()
    for _ in range(100):
        with pytest.raises(DailyQuotaExceeded):
            meter.spend(11)
    assert writes.count("UpdateItem") == 1
    meter.spend(10)
    assert meter.report()["rows"] == {"used": 100, "limit": 100, "remaining": 0}


def test_what_a_process_holds_is_given_back_to_the_day_and_lost_if_it_ends(writes: list[str]) -> None:
    clock = Clock()
    meter, other = processes(2, Limits(requests_per_day=100_000), clock)
    for _ in range(12):
        clock.now += 0.01
        meter.admit()
    held = meter._requests.left
    assert held > 0
    assert meter.report()["requests"]["used"] == 12
    assert other.report()["requests"]["used"] == 12 + held  # as if it were used
    clock.now += WINDOW_SECONDS
    meter.admit()
    assert other.report()["requests"]["used"] - meter._requests.left == 13


def test_nothing_is_lost_when_a_process_ends(writes: list[str]) -> None:
    meter, other = processes(2, Limits(), Clock())
    meter.admit()
    meter.spend(7_000)
    assert other.report()["rows"]["used"] == 7_000
    assert other.report()["requests"]["used"] == 1 + meter._requests.left


def test_a_throttled_table_refuses_no_prediction_and_is_made_up_for(writes: list[str]) -> None:
    clock = Clock()
    meter, other = processes(2, Limits(), clock)
    assert is_let_through(meter, 5)

    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    events = clients.platform("dynamodb").meta.events
    events.register("before-call.dynamodb.UpdateItem", throttle)
    for _ in range(30):
        clock.now += 0.5
        assert is_let_through(meter, 5)
    events.unregister("before-call.dynamodb.UpdateItem", throttle)
    clock.now += WINDOW_SECONDS
    assert is_let_through(meter, 5)
    used = other.report()
    assert used["requests"]["used"] - meter._requests.left == 32
    assert used["rows"]["used"] - meter._rows.left == 32 * 5


def test_two_handlers_share_one_tenants_rate(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole function, in two processes: no more rows than a day's, whoever is asked."""
    tenant = process.add_tenant(1)
    quota.set_limits(tenant.tenant, Limits(rows_per_day=50))
    meters = [quota.Meter(tenant.tenant) for _ in range(2)]
    statuses = []
    for number in range(14):
        monkeypatch.setattr(quota, "of", lambda _, number=number: meters[number % 2])
        status, headers, body = process.predict(tenant, row_count=5)
        statuses.append(status)
        assert '"rows";r=' in headers["RateLimit"]
        assert status == 200 or (body["code"], int(headers["Retry-After"]) > 0) == ("DailyQuotaExceeded", True)
    assert statuses == [200] * 10 + [429] * 4
    assert len(process.accounts.calls) == 10


def test_two_processes_at_a_limit_let_through_what_it_allows(writes: list[str]) -> None:
    limits = Limits(requests_per_second=1, rows_per_day=5)
    first, second = processes(2, limits, Clock())
    admitted = 0
    for meter in (second, *[first] * (2 * limits.window_requests), second, second):
        with suppress(RateExceeded):
            meter.admit()
            admitted += 1
    assert admitted == limits.window_requests
    second.spend(1)
    first.spend(4)
    for meter in (second, first):
        with pytest.raises(DailyQuotaExceeded):
            meter.spend(1)


def test_a_request_too_many_is_answered_429_and_costs_no_call(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = process.add_tenant(1)
    quota.set_limits(tenant.tenant, Limits(requests_per_second=1))
    meter = quota.Meter(tenant.tenant, Clock())
    monkeypatch.setattr(quota, "of", lambda _: meter)
    answers = [process.predict(tenant) for _ in range(WINDOW_SECONDS + 1)]
    assert [status for status, _, _ in answers] == [200] * WINDOW_SECONDS + [429]
    assert answers[-1][2]["code"] == "RateExceeded"
    assert len(process.accounts.calls) == WINDOW_SECONDS


def test_a_tenant_in_too_many_places_is_slowed_down(writes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "ATTEMPTS", 0)
    [meter] = processes(1, Limits(), Clock())
    with pytest.raises(RateExceeded, match="too many places"):
        meter.admit()
