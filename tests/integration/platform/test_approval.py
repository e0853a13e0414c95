"""Approval: one word counts, whoever says it how often; what waits for nobody is refused by name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.aws import stepfunctions
from tenantml.aws.clients import platform
from tenantml.domain.judging.approval import APPROVE, OPERATOR, REASON_BYTES, REFUSE, TIMED_OUT, Decision
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.run import Run
from tenantml.entrypoint import logger
from tenantml.errors import (
    AlreadyDecided,
    ApprovalRefused,
    ApprovalTimedOut,
    InvalidOperation,
    NotAwaitingApproval,
    NotFound,
    RequestError,
)
from tenantml.services import approvals, registry, tenant_scope
from tests.integration.platform.conftest import Body
from tests.rows import put_version

TOKEN, SECRET = "AQCEAAAAKgAAAAMAAAAAAAAAASecret", "because of Mr Smith's churn"
KEY = "0123456789ab"
Put = Callable[..., tuple[int, dict[str, Any]]]
Invoke = Callable[[str, Any], Any]
Sent = list[str]


@pytest.fixture
def sent(stack: dict[str, str]) -> Iterator[Sent]:
    """The tokens that Step Functions is sent; it takes each once, and knows none but these of the tests."""
    found: Sent = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        token = json.loads(request.body)["taskToken"]
        code = "TaskTimedOut" if token in found else "" if token.startswith(TOKEN) else "InvalidToken"
        found.append(token)
        body = json.dumps({"__type": code, "message": "no"} if code else {}).encode()
        return AWSResponse(request.url, 400 if code else 200, {}, Body(body))

    events = platform("stepfunctions").meta.events
    events.register_first("before-send.sfn.SendTaskSuccess", answer)
    yield found
    events.unregister("before-send.sfn.SendTaskSuccess", answer)


@pytest.fixture
def waiting(tenant: Tenant, run: Run, invoke: Invoke, event: Callable[[str], Any], sent: Sent) -> Run:
    """A version that awaits an approval."""
    invoke("accept_upload", event("accept_upload"))
    put_version(run.tenant, run.model, run.version, {"execution": run.execution})
    approvals.request(run, TOKEN, attempt=0, hours=72)
    return run


@pytest.fixture
def put(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Put:
    """PUT a decision with a key of a tenant's."""
    monkeypatch.setattr(tenant_scope, "_scoped_client", platform)

    def put(version: str, body: Any, tenant: str = "acme", model: str = "churn") -> tuple[int, dict[str, Any]]:
        answer = invoke(
            "tenant_api",
            {
                "httpMethod": "PUT",
                "resource": "/models/{model}/versions/{version}/approval",
                "pathParameters": {"model": model, "version": version},
                "headers": {"Content-Type": "application/json"},
                "requestContext": {"authorizer": {"tenant": tenant, "key_id": KEY}},
                "body": json.dumps(body),
            },
        )
        return answer["statusCode"], json.loads(answer["body"])

    return put


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the functions log from now on."""
    found = io.StringIO()
    for handler in logger.handlers:
        monkeypatch.setattr(handler, "stream", found)
    return found


def row_of(run: Run) -> dict[str, Any]:
    return registry.find_version(run.tenant, run.model, run.version) or {}


def expire(run: Run) -> None:
    approval = row_of(run)["approval"] | {"until": "2026-01-01T00:00:00Z"}
    registry.update_version(run.tenant, run.model, run.version, {"approval": approval})


@pytest.mark.parametrize(("decision", "status"), [(APPROVE, "approved"), (REFUSE, "refused")])
def test_who_decided_what_when_and_why_is_recorded_and_a_repeat_says_the_same(
    waiting: Run, put: Put, sent: Sent, decision: str, status: str
) -> None:
    asked = row_of(waiting)["approval"]
    assert (asked["decision"], row_of(waiting)["status"]) == (None, "awaiting approval")
    assert asked["until"] > asked["asked_at"]
    code, body = put(waiting.version, {"decision": decision, "reason": SECRET})
    assert (code, body["status"]) == (200, status)
    said = {"decision": decision, "by": KEY, "reason": SECRET, "decided_at": body["approval"]["decided_at"]}
    assert body["approval"] == asked | said
    assert said["decided_at"] >= asked["asked_at"]
    assert put(waiting.version, {"decision": decision, "reason": "another"})[1]["approval"] == body["approval"]
    assert sent == [TOKEN, TOKEN], "a repeat sends again: a token that is used up is no error"


@pytest.mark.parametrize(("first", "second"), [(APPROVE, REFUSE), (REFUSE, APPROVE)])
def test_the_opposite_is_refused_afterwards(waiting: Run, put: Put, sent: Sent, first: str, second: str) -> None:
    put(waiting.version, {"decision": first})
    before = row_of(waiting)
    code, body = put(waiting.version, {"decision": second, "reason": SECRET})
    assert (code, body["code"]) == (409, "AlreadyDecided")
    assert row_of(waiting) == before
    assert sent == [TOKEN]


@pytest.mark.parametrize("faster", [APPROVE, REFUSE])
@pytest.mark.parametrize("slower", [APPROVE, REFUSE])
def test_of_two_decisions_at_once_the_one_that_is_written_first_counts(waiting: Run, faster: str, slower: str) -> None:
    place, decided = (waiting.tenant, waiting.model, waiting.version), []

    def overtake(**_: Any) -> None:
        if not decided:
            decided.append(None)
            decided[0] = registry.decide(*place, Decision(faster), "faster")

    events = platform("dynamodb").meta.events  # both have read that nobody has decided, and now write
    events.register_first("before-send.dynamodb.UpdateItem", overtake)
    try:
        if faster == slower:
            assert registry.decide(*place, Decision(slower), "slower")["approval"] == decided[0]["approval"]
        else:
            with pytest.raises(AlreadyDecided):
                registry.decide(*place, Decision(slower), "slower")
    finally:
        events.unregister("before-send.dynamodb.UpdateItem", overtake)
    assert (row_of(waiting)["approval"]["decision"], row_of(waiting)["approval"]["by"]) == (faster, "faster")


@pytest.mark.parametrize(
    ("body", "where", "code", "name"),
    [
        ({"decision": APPROVE}, {"model": "of-somebody"}, 404, "NotFound"),
        ({"decision": APPROVE}, {"version": "v20200101-000000-0000"}, 404, "NotFound"),
        ({"decision": APPROVE}, {"version": "v1#VERSION"}, 404, "NotFound"),
        ({"decision": APPROVE}, {"tenant": "globex"}, 404, "NotFound"),
        ({"decision": "yes"}, {}, 400, "InvalidRequest"),
        ({"decision": TIMED_OUT}, {}, 400, "InvalidRequest"),
        ({"decision": ["approve"]}, {}, 400, "InvalidRequest"),
        ({"decision": APPROVE, "by": "somebody"}, {}, 400, "InvalidRequest"),
        ({"decision": APPROVE, "reason": None}, {}, 400, "InvalidRequest"),
        ({"decision": APPROVE, "reason": "é" * (REASON_BYTES // 2 + 1)}, {}, 400, "InvalidRequest"),
        ({}, {}, 400, "InvalidRequest"),
        ([], {}, 400, "InvalidRequest"),
    ],
)
def test_a_decision_about_nothing_or_that_is_none_is_refused_by_name(
    waiting: Run, put: Put, sent: Sent, body: Any, where: dict[str, str], code: int, name: str
) -> None:
    registry.add_tenant(Tenant.from_document(registry.get_tenant("acme").as_document() | {"tenant": "globex"}))
    before = row_of(waiting)
    found = put(**{"version": waiting.version, "body": body, **where})
    assert (found[0], found[1]["code"]) == (code, name)
    assert (row_of(waiting), sent) == (before, [])


def test_a_version_that_awaits_none_or_no_longer_is_refused_by_name(
    waiting: Run, put: Put, sent: Sent, invoke: Invoke, event: Callable[[str], Any]
) -> None:
    never = "v20261123-000000-bbbb"
    put_version("acme", "churn", never, {})
    expire(waiting)
    for version in (never, waiting.version):
        assert put(version, {"decision": APPROVE})[1]["code"] == "NotAwaitingApproval"
    with pytest.raises(ApprovalTimedOut):
        invoke("check_approval", event("check_approval"))
    assert put(waiting.version, {"decision": APPROVE})[0] == 409
    registry.begin_retirement("acme", "churn", waiting.version)
    assert put(waiting.version, {"decision": REFUSE})[1]["code"] == "NotAwaitingApproval"
    assert sent == []


def test_nobody_decides_about_a_version_that_is_being_removed_and_nobody_is_asked(
    waiting: Run, put: Put, invoke: Invoke, event: Callable[[str], Any]
) -> None:
    assert registry.begin_retirement("acme", "churn", waiting.version)
    assert put(waiting.version, {"decision": APPROVE})[1]["code"] == "NotAwaitingApproval"
    for state in ("check_approval", "request_approval"):
        with pytest.raises(NotFound):
            invoke(state, event(state))
    assert row_of(waiting)["status"] == "retiring"


def test_the_row_is_the_truth_for_the_machine(waiting: Run, invoke: Invoke, event: Callable[[str], Any]) -> None:
    approvals.decide("acme", "churn", waiting.version, Decision(APPROVE), KEY)
    for _ in range(2):
        assert invoke("check_approval", event("check_approval")) == {"by": KEY}
    with pytest.raises(AlreadyDecided):
        invoke("request_approval", event("request_approval"))
    assert row_of(waiting)["approval_token"] == TOKEN


def test_a_refusal_is_a_named_failure_that_does_not_repeat_the_reason(
    waiting: Run, invoke: Invoke, event: Callable[[str], Any], logged: io.StringIO
) -> None:
    approvals.decide("acme", "churn", waiting.version, Decision(REFUSE, SECRET), KEY)
    with pytest.raises(ApprovalRefused, match=KEY) as refused:
        invoke("check_approval", event("check_approval"))
    assert SECRET not in str(refused.value)
    assert "ApprovalRefused" in logged.getvalue()
    assert SECRET not in logged.getvalue()


def test_nobodys_decision_in_time_is_closed_and_nobody_decides_later(
    waiting: Run, invoke: Invoke, event: Callable[[str], Any]
) -> None:
    for _ in range(2):
        with pytest.raises(ApprovalTimedOut):
            invoke("check_approval", event("check_approval"))
    assert (row_of(waiting)["status"], row_of(waiting)["approval"]["decision"]) == ("approval timed out", TIMED_OUT)
    with pytest.raises(NotAwaitingApproval):
        approvals.decide("acme", "churn", waiting.version, Decision(APPROVE), KEY)


def test_a_repeated_request_brings_a_token_and_no_more_time(
    waiting: Run, invoke: Invoke, event: Callable[[str], Any]
) -> None:
    asked = row_of(waiting)["approval"] | {"until": "2099-01-01T00:00:00Z"}
    registry.update_version("acme", "churn", waiting.version, {"approval": asked})
    invoke("request_approval", event("request_approval"))
    assert (row_of(waiting)["approval"], row_of(waiting)["approval_token"]) == (
        asked,
        event("request_approval")["token"],
    )


@pytest.mark.parametrize("is_between", [False, True], ids=["after it", "between reading and writing"])
def test_an_attempt_that_is_late_does_not_take_the_token_of_the_next(
    waiting: Run, sent: Sent, is_between: bool
) -> None:
    late, following = f"{TOKEN}-late", f"{TOKEN}-following"

    def follow(**_: Any) -> None:
        if is_between:
            table_events.unregister("before-call.dynamodb.UpdateItem", follow)
        approvals.request(waiting, following, attempt=2, hours=72)

    table_events = platform("dynamodb").meta.events
    if is_between:
        table_events.register("before-call.dynamodb.UpdateItem", follow)
    else:
        follow()
    approvals.request(waiting, late, attempt=1, hours=72)
    approvals.decide("acme", "churn", waiting.version, Decision(APPROVE), KEY)
    assert sent == [following]


def test_the_token_is_never_shown_published_or_logged(
    waiting: Run, put: Put, invoke: Invoke, event: Callable[[str], Any], logged: io.StringIO
) -> None:
    published = list[str]()

    def listen(params: dict[str, Any], **_: Any) -> None:
        published.extend(entry["DetailType"] + entry["Detail"] for entry in params["Entries"])

    events = platform("events").meta.events
    events.register("provide-client-params.events.PutEvents", listen)
    try:
        registry.update_version("acme", "churn", waiting.version, {"approval_announced": False})
        invoke("request_approval", event("request_approval"))
    finally:
        events.unregister("provide-client-params.events.PutEvents", listen)
    (wanted,) = published
    assert wanted.startswith("Approval Wanted")
    assert waiting.version in wanted
    token = event("request_approval")["token"]
    _, body = put(waiting.version, {"decision": APPROVE, "reason": SECRET})
    assert put(waiting.version, {"decision": REFUSE, "reason": SECRET})[0] == 409
    assert "AlreadyDecided" in logged.getvalue()
    assert token not in wanted + json.dumps(body) + logged.getvalue()
    assert SECRET not in wanted + logged.getvalue()


def test_an_operator_decides_in_the_tenants_place(waiting: Run, invoke: Invoke, sent: Sent) -> None:
    asked = {"tenant": "acme", "model": "churn", "version": waiting.version, "decision": APPROVE, "reason": SECRET}
    with pytest.raises(InvalidOperation, match="approve, refuse"):
        invoke("decide_approval", asked | {"decision": "maybe"})
    for other in ({"version": "v1"}, {"model": "x" * 800, "version": "v" * 800}, {"model": "of-somebody"}):
        with pytest.raises(NotFound):
            invoke("decide_approval", asked | other)
    found = invoke("decide_approval", asked)
    assert (found["approval"]["by"], found["approval"]["decision"]) == (OPERATOR, APPROVE)
    assert sent == [TOKEN]
    with pytest.raises(AlreadyDecided):
        invoke("decide_approval", asked | {"decision": REFUSE})


def test_what_is_approved_is_the_newest_word(waiting: Run) -> None:
    newer = "v20261124-000000-cccc"
    put_version("acme", "churn", newer, {})
    registry.promote("acme", "churn", newer)
    approvals.decide("acme", "churn", waiting.version, Decision(APPROVE), KEY)
    assert registry.promote("acme", "churn", waiting.version) == newer
    assert registry.is_live("acme", "churn", waiting.version)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["ask", APPROVE, REFUSE, "check", "expire", "remove"]), max_size=8))
def test_whatever_is_done_in_whatever_order_the_first_word_stays(waiting: Run, steps: list[str]) -> None:
    fresh = {"status": "deploying", "approval": {}, "approval_attempt": 0}
    registry.update_version(waiting.tenant, waiting.model, waiting.version, fresh)
    word = None
    for number, step in enumerate(["ask", *steps]):
        try:
            if step == "ask":
                approvals.request(waiting, f"{TOKEN}{number}", attempt=number, hours=1)
            elif step == "check":
                registry.close_approval(waiting)
            elif step == "expire":
                expire(waiting)
            elif step == "remove":
                registry.begin_retirement(waiting.tenant, waiting.model, waiting.version)
            else:
                approvals.decide(waiting.tenant, waiting.model, waiting.version, Decision(step), KEY)
        except RequestError:
            pass
        now = row_of(waiting)["approval"]["decision"]
        assert word is None or now == word
        word = now


def test_a_token_that_never_was_is_a_bug_and_not_passed_over(sent: Sent) -> None:
    with pytest.raises(ClientError, match="InvalidToken"):
        stepfunctions.wake("never was")
