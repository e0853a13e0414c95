"""What each version answered is counted, cheaply; and no request fails while versions take over from each other."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from functions.deployment import check_bake
from tenantml.domain.drift.watch import Watch
from tenantml.domain.judging.approval import APPROVE, Decision
from tenantml.domain.judging.baking import Served
from tenantml.domain.tenancy.usage_limits import Limits
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import RolledBack, UploadSuperseded
from tenantml.services import expiring_cache, quota, registry, served, serving, tenant_scope
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.services.registry import keys, live, table
from tests.integration.predict.conftest import PROFILE, VERSION, Process

NEWER, BROKEN, LATE = "v20261123-170301-aaaa", "v20991124-170301-bbbb", "v20261123-180000-cccc"
BUSY = (503, "ServiceUnavailable", b'{"Message": "busy"}')
FAILED = (424, "ModelError", b'{"Message": "out of memory"}')


def counted(tenant: Any, version: str = VERSION) -> Served:
    return served.of(tenant.tenant, "churn", version)


def add_execution(tenant: Any) -> None:
    document = {"upload": {"uploaded_at": ""}, "settings": ModelSettings("spend").as_document(), "version": BROKEN}
    registry.add_execution(tenant.tenant, "e", document)


def baking(tenant: Any) -> dict[str, Any]:
    run = {"execution": "e", "tenant": tenant.tenant, "model": "churn", "version": BROKEN}
    return {"state": "CheckBake", "run": run, "minutes": 1}


def test_answers_failures_and_time_are_counted_by_version(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0)
    monkeypatch.setattr(served, "FLUSH_CALLS", 1)
    tenant = process.add_tenant(1)
    process.accounts.answers_after_seconds = 0.02
    process.accounts.next_answers = [BUSY, BUSY, FAILED, (200, "", b"no number\n"), (200, "", b"1\n1\n")]
    assert [process.predict(tenant)[0] for _ in range(5)] == [503, 502, 502, 502, 200]
    found = counted(tenant)
    assert (found.requests, found.failures) == (5, 4)
    assert found.mean_ms
    assert 20 <= found.mean_ms < 1000


def test_access_that_was_taken_away_is_no_failure_of_the_version(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0)
    monkeypatch.setattr(served, "FLUSH_CALLS", 1)
    tenant = process.add_tenant(1)
    process.accounts.revoked.add(tenant.account_id)
    assert process.predict(tenant)[0] == 403
    assert counted(tenant) == Served()


def test_a_hundred_requests_are_one_write_and_what_a_busy_table_refused_is_written_later(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = process.add_tenant(1)
    for _ in range(100):
        process.predict(tenant)
    assert counted(tenant).requests == 1
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0)
    refused: list[bytes] = []

    def refuse(params: dict[str, Any], **_: Any) -> Any:
        if b"#failures" not in params["body"]:
            return None
        refused.append(params["body"])
        metadata = {"HTTPStatusCode": 400}
        return SimpleNamespace(status_code=400), {
            "Error": {"Code": "ThrottlingException"},
            "ResponseMetadata": metadata,
        }

    events = tenant_scope._scoped_client("dynamodb").meta.events
    events.register_first("before-call.dynamodb.UpdateItem", refuse)
    assert process.predict(tenant)[0] == 200
    assert refused
    assert counted(tenant).requests == 1
    events.unregister("before-call.dynamodb.UpdateItem", refuse)
    assert process.predict(tenant)[0] == 200
    assert counted(tenant).requests == 102


def test_a_version_that_was_removed_is_counted_no_more_and_answers_on(process: Process) -> None:
    tenant = process.add_tenant(1)
    assert process.predict(tenant)[0] == 200
    registry.forget(tenant.tenant, "churn")
    assert process.predict(tenant)[0] == 200


def test_a_version_that_was_refused_and_is_chosen_again_by_hand_is_looked_at_no_more(process: Process) -> None:
    tenant = process.add_tenant(1)
    add_execution(tenant)
    process.add_version(tenant, BROKEN)
    registry.promote(tenant.tenant, "churn", BROKEN)
    assert registry.fall_back(tenant.tenant, "churn", BROKEN, "it failed")
    with pytest.raises(RolledBack, match="it failed"):
        check_bake.handler(baking(tenant), None)
    assert registry.return_to(tenant.tenant, "churn", BROKEN, "by hand")
    assert check_bake.handler(baking(tenant), None) == {"over": True}
    assert registry.is_live(tenant.tenant, "churn", BROKEN)


class Processes:
    """Warm processes of the predict function that take turns: each knows which version was live when it last looked."""

    def __init__(self, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._caches = itertools.cycle([ExpiringCache[Any]() for _ in range(count)])
        self._patch = monkeypatch

    def next(self) -> None:
        """Let the next process answer."""
        self._patch.setattr(serving, "_live", next(self._caches))


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what takes seconds take parts of one."""
    monkeypatch.setattr(serving, "LIVE_SECONDS", 1)
    monkeypatch.setattr(expiring_cache, "HASTY_SECONDS", 0.01)
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0.2)
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0)


def test_of_5000_requests_none_fails_across_promotion_return_approval_and_roll_back_but_by_the_refused_versions_fault(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four processes, whose look at the registry may be as old as it is allowed to be. An endpoint goes as soon as its
    retirement is allowed: five seconds are one here.
    """
    hasten(monkeypatch)
    quota.set_limits((tenant := process.add_tenant(1)).tenant, Limits(10**6, 10**9, 10**9))
    processes, answers = Processes(4, monkeypatch), Counter[tuple[int, str]]()
    for version in (NEWER, BROKEN, LATE):
        process.add_version(tenant, version)
    add_execution(tenant)

    def ask(count: int) -> None:
        for _ in range(count):
            processes.next()
            status, _, body = process.predict(tenant)
            answers[status, body.get("version", "")] += 1

    def retire(version: str) -> None:
        """Remove an endpoint, once every process had the time to look again."""
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            ask(1)
        assert registry.begin_retirement(tenant.tenant, "churn", version)
        process.accounts.gone.add(f"tenantml-churn-{version}")

    ask(1000)
    registry.promote(tenant.tenant, "churn", NEWER)
    ask(1000)
    assert registry.return_to(tenant.tenant, "churn", VERSION, "by hand")
    ask(500)
    with pytest.raises(UploadSuperseded):
        registry.promote(tenant.tenant, "churn", LATE)
    assert registry.return_to(tenant.tenant, "churn", NEWER, "by hand")
    ask(500)
    retire(VERSION)
    ask(300)
    registry.ask_for_approval(Run("e", tenant.tenant, "churn", LATE), "token", attempt=0, hours=1)
    ask(200)
    assert registry.is_live(tenant.tenant, "churn", NEWER)
    registry.decide(tenant.tenant, "churn", LATE, Decision(APPROVE), "0123456789ab")
    assert registry.promote(tenant.tenant, "churn", LATE, over=NEWER) == NEWER
    ask(300)
    retire(NEWER)
    assert {status for status, _ in answers} == {200}

    process.accounts.broken.add(f"tenantml-churn-{BROKEN}")
    registry.promote(tenant.tenant, "churn", BROKEN)
    while counted(tenant, BROKEN).requests <= 30:
        ask(1)
    with pytest.raises(RolledBack, match="calls of its endpoint"):
        check_bake.handler(baking(tenant), None)
    retire(BROKEN)
    ask(5000 - answers.total())
    of_broken = [endpoint for _, endpoint in process.accounts.calls if endpoint.endswith(BROKEN)]
    assert sum(count for (status, _), count in answers.items() if status != 200) == len(of_broken) > 30
    assert {version for status, version in answers if status == 200} == {VERSION, NEWER, LATE}
    endpoints = {endpoint.removeprefix("tenantml-churn-") for _, endpoint in process.accounts.calls}
    assert endpoints == {VERSION, NEWER, LATE, BROKEN}
    assert registry.is_live(tenant.tenant, "churn", LATE)


def test_what_is_written_is_logged_for_the_dashboard(
    process: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0)
    monkeypatch.setattr(served, "FLUSH_CALLS", 1)
    tenant = process.add_tenant(1)
    process.accounts.next_answers = [FAILED]
    assert process.predict(tenant)[0] == 502
    (line,) = (vars(record) for record in caplog.records if record.getMessage() == "version answered")
    said = {name: line[name] for name in ("tenant", "model", "version", "requests", "failures")}
    assert said == {"tenant": tenant.tenant, "model": "churn", "version": VERSION, "requests": 1, "failures": 1}
    assert line["latency_ms"] >= 0


def bins_of(tenant: Any) -> list[int]:
    return served.bins_of(tenant.tenant, "churn", VERSION, Watch.of({}, PROFILE))


def test_the_bins_of_two_processes_add_up_and_no_value_is_in_the_table(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = process.add_tenant(1)
    process.predict(tenant, 5)
    served.tally.cache_clear()  # the next process
    process.predict(tenant, 5, row={"age": 17, "plan": "gold-plated"})
    process.accounts.next_answers = [FAILED]
    assert process.predict(tenant)[0] == 502
    assert bins_of(tenant) == [5, 5, 0, 0, 5, 5, 0]
    written = str(table.get(keys.served(tenant.tenant, "churn", VERSION)))
    assert not {"gold-plated", "plan", "age", "17", "41"}.intersection(written.replace("'", " ").split())
    for _ in range(served.BINS_CALLS):
        process.predict(tenant)
    assert sum(bins_of(tenant)) == 2 * 10
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0)
    process.predict(tenant)
    assert sum(bins_of(tenant)) == 2 * (10 + served.BINS_CALLS + 1)


def test_a_model_that_is_asked_once_in_five_minutes_is_counted_too(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "SELDOM_SECONDS", 0)
    tenant = process.add_tenant(1)
    for _ in range(3):
        process.predict(tenant)
    assert sum(bins_of(tenant)) == 2 * 3
