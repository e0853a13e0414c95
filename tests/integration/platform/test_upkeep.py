"""Upkeep fans out: a round over several pages of tenants, one message each, done alone, by account, and retried."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import given
from hypothesis import strategies as st

from tenantml.aws import lambda_functions, sqs
from tenantml.aws.clients import platform
from tenantml.domain.tenancy import upkeep
from tenantml.domain.tenancy.tenant import ACTIVE, OFFBOARDED, SUSPENDED, Tenant
from tenantml.errors import CustomerThrottled, PlatformUnavailable
from tenantml.services import registry, upkeep_task
from tenantml.services.registry import keys, table
from tenantml.services.registry import tenants as tenant_rows
from tests.functions import template
from tests.integration.platform.test_lambda_functions import Body
from tests.tenants import tenant_of

Invoke = Callable[[str, Any], Any]
Message = dict[str, Any]
FUNCTIONS = {"probe": "probe_tenant", "sweep": "sweep_tenant", "drift": "check_drift"}
ACCOUNTS = ("222222222222", "333333333333", "444444444444")


def named(name: str, account: str = ACCOUNTS[0], status: str = ACTIVE, **fields: Any) -> Tenant:
    found = tenant_of(name, account, external_id=f"external-{name}", status=status, **fields)
    registry.add_tenant(found)
    return found


def taken(url: str) -> list[Message]:
    """Take what a queue hands out now, which stays hidden."""
    found: list[Message] = []
    while True:
        answer = platform("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=1, AttributeNames=["All"])
        if "Messages" not in answer:
            return found
        found += answer["Messages"]


def everything(url: str) -> list[Message]:
    """Take all that a queue has, one group after another."""
    found: list[Message] = []
    while taken_now := taken(url):
        found += taken_now
        for message in taken_now:
            platform("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def tasks(messages: list[Message]) -> Counter[tuple[str, str]]:
    return Counter((body["kind"], body["tenant"]) for body in (json.loads(message["Body"]) for message in messages))


@pytest.fixture
def dead(stack: dict[str, str]) -> Callable[[], Counter[tuple[str, str]]]:
    """What the dead-letter queue names."""
    url = stack["UPKEEP_QUEUE"].replace("UpkeepQueue", "UpkeepQueue-dead")
    return lambda: tasks(taken(url))


@pytest.fixture
def answer_for(answer_with: Callable[..., None]) -> Callable[[str, str, str], None]:
    """Let AWS refuse an operation for now for one tenant, by a code that botocore does not repeat by itself."""

    def answer_for(tenant: str, service: str, operation: str) -> None:
        about = f"TENANT#{tenant}" if service == "dynamodb" else f"%2F{tenant}%2F"
        answer_with(service, operation, 400, "TransactionConflict", about=about)

    return answer_for


@pytest.fixture
def work(stack: dict[str, str], invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Do what Lambda does with the queue until it is empty; return what was asked of which function, in order."""
    asked: list[str] = []
    lambda_functions._patient_client.cache_clear()  # a client has the events of its session as they were

    def on_the_wire(request: Any, **_: Any) -> AWSResponse:
        name, event = request.url.split("/functions/")[1].split("/")[0], json.loads(request.body)
        asked.append(f"{name} {event['tenant']}")
        headers, body = HTTPHeaders(), None
        try:
            body = invoke(name, event)
        except Exception as error:  # noqa: BLE001 - Lambda answers with whatever a function ends in
            headers["X-Amz-Function-Error"] = "Unhandled"
            body = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return AWSResponse(request.url, 200, headers, Body(json.dumps(body).encode()))

    for kind, name in FUNCTIONS.items():
        monkeypatch.setenv(f"{kind.upper()}_FUNCTION", name)
    monkeypatch.setattr(upkeep_task, "RETRY_SECONDS", 0)
    events = lambda_functions._patient_client().meta.events
    events.register_first("before-send.lambda.Invoke", on_the_wire)

    def working() -> list[str]:
        url = stack["UPKEEP_QUEUE"]
        while True:
            answer = platform("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=1, AttributeNames=["All"])
            if "Messages" not in answer:
                return asked
            (message,) = answer["Messages"]
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            if not invoke("run_upkeep", {"Records": [record]})["batchItemFailures"]:
                platform("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    yield working
    events.unregister("before-send.lambda.Invoke", on_the_wire)


def test_a_round_over_several_pages_has_one_message_for_each_tenant_and_kind_that_is_due(
    stack: dict[str, str], invoke: Invoke, event: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, pages = tenant_rows.table.each, []

    def in_pages_of_four(beginning: Any, page_rows: int) -> Any:
        pages.append(page_rows)
        return read(beginning, 4)

    monkeypatch.setattr(tenant_rows.table, "each", in_pages_of_four)
    every = [named(f"t{number:02}", ACCOUNTS[number % 3]) for number in range(11)]
    named("by-probe", status=SUSPENDED)
    named("by-operator", status=SUSPENDED, held=True)
    named("unprobed", status="registered")
    named("left", status=OFFBOARDED)
    checked = {tenant.tenant for tenant in every if upkeep.hour_of_drift(tenant) == 18}
    counts = invoke("dispatch_upkeep", event("dispatch_upkeep"))
    expected = Counter({("probe", "by-probe"): 1})
    expected += Counter((kind, tenant.tenant) for kind in ("probe", "sweep") for tenant in every)
    expected += Counter(("drift", name) for name in checked)
    found = everything(stack["UPKEEP_QUEUE"])
    assert pages == [1000]
    assert tasks(found) == expected
    assert (counts["probe"], counts["sweep"], counts["active"], counts["suspended"]) == (12, 11, 11, 2)


def test_a_round_that_broke_off_is_repeated_without_doing_anything_twice(
    stack: dict[str, str], invoke: Invoke, event: Callable[[str], Any], answer_with: Callable[..., None]
) -> None:
    for number in range(20):
        named(f"t{number:02}", f"{number:012}")
    sent, events = [], platform("sqs").meta.events

    def break_off(request: Any, **_: Any) -> AWSResponse | None:
        sent.append(request)
        body = {"Successful": [], "Failed": [{"Id": "0", "Code": "ServiceUnavailable", "SenderFault": False}]}
        return AWSResponse(request.url, 200, {}, Body(json.dumps(body).encode())) if len(sent) == 2 else None

    events.register_first("before-send.sqs.SendMessageBatch", break_off)
    try:
        with pytest.raises(PlatformUnavailable, match="SendMessageBatch"):
            invoke("dispatch_upkeep", event("dispatch_upkeep"))
        invoke("dispatch_upkeep", event("dispatch_upkeep"))
    finally:
        events.unregister("before-send.sqs.SendMessageBatch", break_off)
    assert {count for (kind, _), count in tasks(everything(stack["UPKEEP_QUEUE"])).items() if kind == "probe"} == {1}


def queue(stack: dict[str, str], kind: str, tenants: list[Tenant]) -> None:
    messages = [
        {
            "body": {"kind": kind, "tenant": tenant.tenant},
            "group": upkeep.group(tenant, kind),
            "deduplication_id": f"{kind}-{tenant.tenant}",
        }
        for tenant in tenants
    ]
    sqs.send_all(stack["UPKEEP_QUEUE"], messages)


def test_one_account_is_entered_by_one_task_at_a_time_and_others_meanwhile(stack: dict[str, str]) -> None:
    every = [named(name, account) for account in ACCOUNTS for name in (f"a{account[0]}", f"b{account[0]}")]
    for kind in ("probe", "sweep"):
        queue(stack, kind, every)
    orders = []
    while at_once := taken(stack["UPKEEP_QUEUE"]):  # all that it hands out before anything is done
        groups = [message["Attributes"]["MessageGroupId"] for message in at_once]
        assert sorted(groups) == [f"account-{account}" for account in ACCOUNTS]
        orders.append(at_once)
        for message in at_once:
            platform("sqs").delete_message(QueueUrl=stack["UPKEEP_QUEUE"], ReceiptHandle=message["ReceiptHandle"])
    assert len(orders) == 4


@pytest.mark.parametrize(
    ("kind", "service", "operation"),
    [("probe", "sts", "AssumeRole"), ("sweep", "sts", "AssumeRole"), ("drift", "dynamodb", "Query")],
)
def test_a_tenant_that_fails_is_retried_and_named_and_delays_nobody(
    stack: dict[str, str],
    work: Callable[[], list[str]],
    dead: Callable[[], Any],
    answer_for: Callable[..., None],
    kind: str,
    service: str,
    operation: str,
) -> None:
    every = [named("a", ACCOUNTS[0]), named("b", ACCOUNTS[0]), named("c", ACCOUNTS[1])]
    answer_for("a", service, operation)
    queue(stack, kind, every)
    name = FUNCTIONS[kind]
    assert Counter(work()) == {f"{name} a": 3, f"{name} b": 1, f"{name} c": 1}
    assert dead() == {(kind, "a"): 1}
    assert registry.get_tenant("a").status == ACTIVE, "nothing is proven"


def test_the_other_parts_of_a_sweep_are_done_while_one_fails(
    stack: dict[str, str], invoke: Invoke, tenant: Tenant, answer_with: Callable[..., None]
) -> None:
    """What SageMaker does not answer keeps no result of a batch in the account, and no model from being paused."""
    answer_with("sagemaker", "ListEndpoints", 400, "TransactionConflict")
    table.put(keys.result("acme", "2020-01-01T00:00:00Z", "e"), {"execution": "e", "model": "churn"})
    with pytest.raises(CustomerThrottled):
        invoke("sweep_tenant", {"tenant": "acme"})
    assert registry.expired_results("acme") == []


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_nothing_is_done_for_a_tenant_that_left_or_was_suspended_meanwhile(
    stack: dict[str, str], invoke: Invoke, function: str, published: list[Any]
) -> None:
    held = named("held", status=SUSPENDED, held=True)
    before = platform("dynamodb").scan(TableName=stack["REGISTRY_TABLE"])["Items"]
    assert invoke(function, {"tenant": "gone"}) in ({}, {"drifted": []}, {"status": None, "was": None})
    assert invoke(function, {"tenant": "held"}) in ({}, {"drifted": []}, {"status": SUSPENDED, "was": SUSPENDED})
    assert platform("dynamodb").scan(TableName=stack["REGISTRY_TABLE"])["Items"] == before
    assert (registry.get_tenant("held"), published) == (held, [])
    assert (
        "Items" not in platform("dynamodb").scan(TableName=stack["EVIDENCE_TABLE"], Limit=1)
        or not platform("dynamodb").scan(TableName=stack["EVIDENCE_TABLE"])["Items"]
    )


def test_the_queue_gives_up_when_the_code_does_and_lets_a_function_finish() -> None:
    """Lambda developer guide, "Configuring a queue to use with Lambda": six times the function's time-out."""
    resources = template()["Resources"]
    waited = [resources[name]["Properties"]["Timeout"] for name in ("ProbeTenantFunction", "SweepTenantFunction")]
    waited.append(resources["CheckDriftFunction"]["Properties"]["Timeout"])
    runs = resources["RunUpkeepFunction"]["Properties"]
    upkeep_queue = resources["UpkeepQueue"]["Properties"]
    assert upkeep_queue["RedrivePolicy"]["maxReceiveCount"] == upkeep_task.ATTEMPTS
    assert max(waited) < lambda_functions.LONGEST_SECONDS < runs["Timeout"]
    assert upkeep_queue["VisibilityTimeout"] == 6 * runs["Timeout"]
    assert runs["Events"]["Upkeep"]["Properties"]["BatchSize"] == 1
    dispatch = resources["DispatchUpkeepFunction"]["Properties"]["Events"]["Hourly"]["Properties"]
    assert dispatch == {"Schedule": "rate(1 hour)"}
    assert resources["UpkeepLateAlarm"]["Properties"]["Threshold"] == 3600


@given(st.integers(0, 23), st.text("abcdefghij-", min_size=1, max_size=20))
def test_a_tenant_is_checked_for_drift_in_one_hour_of_the_day_and_probed_in_each(hour: int, name: str) -> None:
    tenant = tenant_of(name, status=ACTIVE)
    rounds = [upkeep.due(tenant, datetime(2026, 11, 22, at, tzinfo=UTC)) for at in range(24)]
    assert [kinds[:2] for kinds in rounds] == [["probe", "sweep"]] * 24
    assert sum("drift" in kinds for kinds in rounds) == 1
    assert upkeep.due(replace(tenant, status=SUSPENDED), datetime(2026, 11, 22, hour, tzinfo=UTC)) == ["probe"]
    assert upkeep.due(replace(tenant, status=SUSPENDED, held=True), datetime(2026, 11, 22, hour, tzinfo=UTC)) == []
