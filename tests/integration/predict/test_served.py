"""What each version answered is counted, cheaply; and no request fails while versions take over from each other."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from functions.deployment import check_bake
from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.judging.approval import APPROVE, Decision
from tenantml.domain.judging.baking import Served
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.tenancy.usage_limits import Limits
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import CustomerThrottled, NotRolledBack, RolledBack, UploadSuperseded
from tenantml.services import expiring_cache, quota, registry, served, serving, tenant_scope
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.services.registry import keys, live, table
from tests.integration.predict.conftest import PROFILE, STAGING, VERSION, Process

NEWER, BROKEN, LATE = "v20261123-170301-aaaa", "v20991124-170301-bbbb", "v20261123-180000-cccc"
EXECUTION = "acme-churn-55c304f9941bab27"
BUSY = (503, "ServiceUnavailable", b'{"Message": "busy"}')
FAILED = (424, "ModelError", b'{"Message": "out of memory"}')


def counted(tenant: Any, version: str = VERSION) -> Served:
    return served.of(tenant.tenant, "churn", version)


def add_execution(tenant: Any) -> None:
    document = {"upload": {"uploaded_at": ""}, "settings": ModelSettings("spend").as_document(), "version": BROKEN}
    registry.add_execution(tenant.tenant, EXECUTION, document)


def baking(tenant: Any) -> dict[str, Any]:
    run = {"execution": EXECUTION, "tenant": tenant.tenant, "model": "churn", "version": BROKEN}
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
    assert counted(tenant).requests == 1, "the first call is written at once"
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


def test_a_single_call_of_a_process_says_when_it_was(process: Process) -> None:
    tenant, before = process.add_tenant(1), int(time.time())
    assert served.last_call(tenant.tenant, "churn", VERSION) == 0
    assert process.predict(tenant)[0] == 200
    assert before <= served.last_call(tenant.tenant, "churn", VERSION) <= time.time()
    assert counted(tenant).requests == 1


def test_a_version_that_was_removed_is_counted_no_more_and_answers_on(process: Process) -> None:
    tenant = process.add_tenant(1)
    assert process.predict(tenant)[0] == 200
    registry.forget(tenant.tenant, "churn")
    assert process.predict(tenant)[0] == 200


@pytest.fixture
def baking_tenant(process: Process, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tenant whose new version has just taken over, each call of which is counted at once."""
    monkeypatch.setattr(served, "FLUSH_SECONDS", 0)
    monkeypatch.setattr(served, "FLUSH_CALLS", 1)
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0)
    tenant = process.add_tenant(1)
    add_execution(tenant)
    process.add_version(tenant, BROKEN)
    registry.promote(tenant.tenant, "churn", BROKEN)
    return tenant


@pytest.mark.parametrize("poisoned", [FAILED, (200, "", b"no number\n"), (200, "", b"1\n1\n")])
def test_rows_that_the_version_before_cannot_answer_either_are_no_failure_of_the_new_one(
    process: Process, baking_tenant: Any, poisoned: tuple[int, str, bytes]
) -> None:
    process.accounts.next_answers = [poisoned, FAILED]
    assert process.predict(baking_tenant)[0] == 502
    assert [endpoint[-len(VERSION) :] for _, endpoint in process.accounts.calls] == [BROKEN, VERSION]
    assert counted(baking_tenant, BROKEN) == counted(baking_tenant) == Served()
    process.accounts.next_answers = [poisoned]
    assert process.predict(baking_tenant)[0] == 502
    found = counted(baking_tenant, BROKEN)
    assert (found.requests, found.failures) == (1, 1), "the version before answers them"
    assert counted(baking_tenant) == Served(), "and is asked for nobody"


@pytest.mark.parametrize("unknown", [BUSY, (403, "AccessDeniedException", b'{"Message": "no"}')])
def test_what_the_version_before_does_not_say_is_the_new_ones_failure(
    process: Process, baking_tenant: Any, unknown: tuple[int, str, bytes]
) -> None:
    process.accounts.next_answers = [FAILED, unknown, unknown]
    assert process.predict(baking_tenant)[0] == 502
    process.accounts.next_answers = [BUSY, BUSY]
    asked = len(process.accounts.calls)
    assert process.predict(baking_tenant)[0] == 503
    assert len(process.accounts.calls) == asked + 2, "nobody else is asked about what rows do not cause"
    registry.begin_retirement(baking_tenant.tenant, "churn", VERSION)
    process.accounts.next_answers = [FAILED]
    assert process.predict(baking_tenant)[0] == 502
    assert counted(baking_tenant, BROKEN).failures == 3


def test_a_version_before_that_reads_other_columns_is_not_asked(process: Process, baking_tenant: Any) -> None:
    columns = [{"name": "plan", "type": "category", "categories": ["basic"]}, *PROFILE["columns"][2:]]
    key = f"{baking_tenant.tenant}/other.json"
    objects.put_json(platform("s3"), STAGING, key, json.dumps(PROFILE | {"columns": columns}))
    registry.update_version(baking_tenant.tenant, "churn", VERSION, {"profile": {"bucket": STAGING, "key": key}})
    process.accounts.next_answers = [FAILED]
    assert process.predict(baking_tenant)[0] == 502
    assert len(process.accounts.calls) == 1
    assert counted(baking_tenant, BROKEN).failures == 1


def count(tenant: Any, version: str, window: int, requests: int, failures: int) -> None:
    """Note calls of a version's endpoint, as processes of the predict function do in this hour."""
    counts = {"requests": requests, "failures": failures, "latency_ms": 10 * requests}
    table.add_in_window(keys.served(tenant.tenant, "churn", version), counts, window, int(time.time()) + 3600)


def test_a_version_is_compared_with_what_the_one_before_did_in_its_last_hours_and_not_when_it_was_young(
    baking_tenant: Any,
) -> None:
    count(baking_tenant, VERSION, 100, 100_000, 0)
    for window in (200, 201):
        count(baking_tenant, VERSION, window, 200, 100)
    count(baking_tenant, BROKEN, 202, 100, 50)
    assert check_bake.handler(baking(baking_tenant), None)["over"] is False, "apps send what half of the time fails"
    count(baking_tenant, BROKEN, 202, 100, 95)
    with pytest.raises(RolledBack) as refused:
        check_bake.handler(baking(baking_tenant), None)
    for share in ("it failed 145 of 200 calls", "the version before 200 of 400 calls"):
        assert share in str(refused.value)


def test_a_version_that_fails_more_and_cannot_be_rolled_back_is_told_of(baking_tenant: Any) -> None:
    count(baking_tenant, VERSION, 100, 1000, 0)
    count(baking_tenant, BROKEN, 101, 100, 50)
    registry.begin_retirement(baking_tenant.tenant, "churn", VERSION)
    for _ in range(2):  # a repeat says the same
        with pytest.raises(NotRolledBack, match="50 of 100 calls of its endpoint"):
            check_bake.handler(baking(baking_tenant), None)
    assert registry.is_live(baking_tenant.tenant, "churn", BROKEN)
    assert "50 of 100" in registry.get_version(baking_tenant.tenant, "churn", BROKEN)["failing"]


def failing(tenant: Tenant) -> None:
    """Note calls of the new version, half of which fail."""
    count(tenant, VERSION, 100, 1000, 0)
    count(tenant, BROKEN, 101, 100, 50)


def standby_of(tenant: Tenant) -> str:
    return tenant.account.endpoint("churn", VERSION)


def test_nobody_falls_back_to_an_endpoint_that_the_customer_deleted(process: Process, baking_tenant: Tenant) -> None:
    failing(baking_tenant)
    process.accounts.gone.add(standby_of(baking_tenant))
    for _ in range(2):  # a repeat says the same
        with pytest.raises(NotRolledBack, match=r"50 of 100 .* is not in the customer's account any more"):
            check_bake.handler(baking(baking_tenant), None)
    assert registry.is_live(baking_tenant.tenant, "churn", BROKEN)
    assert "any more" in registry.get_version(baking_tenant.tenant, "churn", BROKEN)["failing"]
    assert process.accounts.strangers == []


def test_a_look_at_the_version_before_that_aws_does_not_answer_decides_nothing(
    process: Process, baking_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    failing(baking_tenant)
    process.accounts.next_answers = [(400, "", b'{"__type": "ThrottlingException", "message": "later"}')] * 20
    with pytest.raises(CustomerThrottled):
        check_bake.handler(baking(baking_tenant), None)
    row = registry.get_version(baking_tenant.tenant, "churn", BROKEN)
    assert (row["status"], row.get("failing"), row.get("refused")) == ("live", None, None)
    process.accounts.next_answers = []
    with pytest.raises(RolledBack):
        check_bake.handler(baking(baking_tenant), None)


def test_an_account_that_does_not_let_us_look_keeps_no_version_from_answering_again(
    process: Process, baking_tenant: Tenant
) -> None:
    failing(baking_tenant)
    process.accounts.revoked.add(baking_tenant.account_id)
    with pytest.raises(RolledBack):
        check_bake.handler(baking(baking_tenant), None)
    assert registry.is_live(baking_tenant.tenant, "churn", VERSION)


def test_a_version_that_does_well_costs_no_call_in_the_customers_account(
    process: Process, baking_tenant: Tenant
) -> None:
    assert check_bake.handler(baking(baking_tenant), None) == {"over": False}
    assert process.accounts.assumed == []


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
    registry.ask_for_approval(Run(EXECUTION, tenant.tenant, "churn", LATE), "token", attempt=0, hours=1)
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
