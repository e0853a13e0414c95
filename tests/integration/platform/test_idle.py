"""A model that nobody calls is paused, one that anybody calls or that is being worked on never is, and a request may
resume it.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import platform
from tenantml.domain.tenancy.tenant import SUSPENDED, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import ArtefactsGone, BudgetExceeded, ModelPaused, ModelResuming, TenantSuspended
from tenantml.services import deployments, idle, registry, served, serving
from tenantml.services.registry import keys, table
from tests.integration.platform.conftest import Body
from tests.rows import put_training, put_version

V1, V2, LATE = "v20261121-000000-aaaa", "v20261122-000000-bbbb", "v20991123-000000-cccc"
IDLE_HOURS = 2
Invoke = Callable[[str, Any], Any]
Row = dict[str, Any]
PUBLISHED: list[Row] = []


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(autouse=True)
def begin(tenant: Tenant, deleted: set[str]) -> Iterator[None]:
    """A model whose version went live long ago, and was never called; what is published."""
    make_idle()
    PUBLISHED.clear()

    def listen(params: Row, **_: Any) -> None:
        PUBLISHED.extend({"kind": row["DetailType"]} | json.loads(row["Detail"]) for row in params["Entries"])

    events = platform("events").meta.events
    events.register("provide-client-params.events.PutEvents", listen)
    yield
    events.unregister("provide-client-params.events.PutEvents", listen)


def make_idle(**changed: Any) -> None:
    registry.remove_model("acme", "churn")
    chosen = {"target": "Churn?", "idle_hours": IDLE_HOURS} | changed
    registry.put_model("acme", "churn", ModelSettings.from_document(chosen))
    known = {"candidate": "best", "plan": {"instance_type": "ml.m5.large"}}
    for name in (V1, V2):
        put_version("acme", "churn", name, {"execution": f"e-{name}"} | known)
        put_training(Run(f"e-{name}", "acme", "churn", name), name)
        registry.promote("acme", "churn", name)
        registry.update_version("acme", "churn", name, {"ended_at": ago(99), "promoted_at": ago(50)})
    table.update(keys.model("acme", "churn"), {"updated_at": ago(50)})
    called(50)


def called(hours_ago: float, version: str = V2) -> None:
    """Note a call of a version, as the predict function does."""
    at = int(time.time() - hours_ago * 3600)
    table.add(keys.served("acme", "churn", version), {"requests": 1}, at + served.KEPT_SECONDS)


def paused() -> list[str]:
    return idle.pause_idle(registry.get_tenant("acme"))


def row() -> Row:
    return registry.get_model("acme", "churn")


def started(stack: dict[str, str]) -> list[Row]:
    """What executions of the deployment machine were given."""
    client, machine = platform("stepfunctions"), stack["DEPLOYMENT_STATE_MACHINE"]
    found = client.list_executions(stateMachineArn=machine)["executions"]
    return [json.loads(client.describe_execution(executionArn=row["executionArn"])["input"]) for row in found]


def names_started(stack: dict[str, str]) -> set[str]:
    found = platform("stepfunctions").list_executions(stateMachineArn=stack["DEPLOYMENT_STATE_MACHINE"])["executions"]
    return {row["name"] for row in found}


def end_retirement(version: str) -> None:
    """Do what the machine does that a pause starts, but for the customer's account."""
    assert registry.begin_retirement("acme", "churn", version)
    registry.update_version("acme", "churn", version, {"status": "retired"})


def test_an_idle_model_is_paused_once_its_endpoint_goes_and_its_owner_is_told(
    stack: dict[str, str], invoke: Invoke, event: Callable[[str], Any]
) -> None:
    assert invoke("sweep_tenant", event("sweep_tenant"))["paused"] == ["churn"]
    found = row()
    assert (found["live_version"], found["paused"]["version"], found["paused"]["by"]) == (None, V2, "idle")
    ((given_),) = started(stack)
    assert (given_["task"], given_["run"]["version"]) == ("retire", V2)
    (told,) = PUBLISHED
    assert told == {"kind": "Model Paused", "tenant": "acme", "model": "churn", "version": V2, "by": "idle"}
    assert paused() == []
    assert (len(PUBLISHED), len(started(stack))) == (1, 1)


def test_a_crash_after_the_pause_is_made_up_for(stack: dict[str, str]) -> None:
    events = platform("stepfunctions").meta.events

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    events.register_first("before-send.sfn.StartExecution", die)
    with pytest.raises(KeyboardInterrupt):
        paused()
    events.unregister("before-send.sfn.StartExecution", die)
    assert (row()["live_version"], PUBLISHED, started(stack)) == (None, [], [])
    assert paused() == [], "it is paused already"
    assert ([told["version"] for told in PUBLISHED], len(started(stack))) == ([V2], 1)


def baking() -> Row:
    """The row of the live version, while its deployment is not over."""
    return {name: value for name, value in registry.get_version("acme", "churn", V2).items() if name != "ended_at"}


def has_a_place(purpose: str, model: str = "churn") -> None:
    place = {"model": model, "for": purpose, "since": ago(1), "worst_micros": 1, "seconds": 1}
    table.put(keys.spending("acme"), {"places": {f"acme-{model}-55c304f9941bab27": place}})


def an_upload_was_trained() -> None:
    execution = "acme-churn-55c304f9941bab27"
    registry.add_execution("acme", execution, {"model": "churn", "upload": {"uploaded_at": ago(1)}})
    table.update(keys.model("acme", "churn"), {"turn": {"execution": execution, "order": "1", "stops": None}})


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param(lambda: called(IDLE_HOURS), id="a call that was not noted yet may have come ten minutes later"),
        pytest.param(lambda: table.update(keys.model("acme", "churn"), {"updated_at": ago(1)}), id="its settings"),
        pytest.param(lambda: registry.update_version("acme", "churn", V2, {"promoted_at": ago(1)}), id="it went live"),
        pytest.param(lambda: registry.return_to("acme", "churn", V1, "k"), id="it was returned to"),
        pytest.param(lambda: put_version("acme", "churn", LATE, {}), id="a version is deployed, or awaits approval"),
        pytest.param(lambda: put_version("acme", "churn", V2, baking()), id="its bake"),
        pytest.param(lambda: has_a_place("training"), id="an upload"),
        pytest.param(an_upload_was_trained, id="an upload whose version is not asked for yet"),
        pytest.param(lambda: has_a_place("batch"), id="a batch"),
        pytest.param(lambda: make_idle(idle_hours=None), id="no setting"),
        pytest.param(
            lambda: registry.update_version("acme", "churn", V2, {"plan": {"instance_type": None}}), id="serverless"
        ),
    ],
)
def test_what_is_called_or_worked_on_or_costs_nothing_is_not_paused(busy: Callable[[], object]) -> None:
    busy()
    assert paused() == []
    assert row()["live_version"]
    assert PUBLISHED == []


def test_a_version_that_goes_live_while_it_is_looked_at_stays(tenant: Tenant) -> None:
    events, moved = platform("dynamodb").meta.events, [True]

    def promote(**_: Any) -> None:
        """Between the check and the write, let another version go live."""
        if moved and moved.pop():
            put_version("acme", "churn", LATE, {})
            registry.promote("acme", "churn", LATE)

    events.register_first("before-send.dynamodb.TransactWriteItems", promote)
    try:
        assert paused() == []
    finally:
        events.unregister("before-send.dynamodb.TransactWriteItems", promote)
    assert (row()["live_version"], row()["paused"]) == (LATE, None)


def test_what_was_uploaded_before_an_idle_pause_is_promoted_all_the_same() -> None:
    assert paused() == ["churn"]
    put_version("acme", "churn", "v20261122-120000-dddd", {})
    registry.promote("acme", "churn", "v20261122-120000-dddd", over=None)
    assert (row()["live_version"], row()["paused"]) == ("v20261122-120000-dddd", None)


class Clock:
    """A clock that a test sets, in place of the module `time`."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000

    def time(self) -> float:
        return self.seconds

    monotonic = time


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(st.integers(0, 1500), st.booleans()), min_size=1, max_size=12))
def test_no_call_is_ten_minutes_later_than_its_version_says_though_the_table_refuses_some(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[int, bool]]
) -> None:
    """Calls come some seconds after each other; while the table refuses, and for ten seconds, a call may be missed."""
    table.delete(keys.served("acme", "churn", LATE))
    clock, refusing = Clock(), [False]
    monkeypatch.setattr(served, "time", clock)

    def refuse(**_: Any) -> Any:
        answer = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return (SimpleNamespace(status_code=400), answer) if refusing[0] else None

    events = platform("dynamodb").meta.events
    events.register_first("before-call.dynamodb.UpdateItem", refuse)
    tally, refused_at = served.Tally("acme", "churn", LATE), 0
    try:
        for seconds, refusing[0] in calls:
            clock.seconds += seconds
            tally.count(0.1, failed=False)
            if refusing[0]:
                refused_at = clock.seconds
            elif clock.seconds - refused_at >= served.FLUSH_SECONDS:
                assert served.last_call("acme", "churn", LATE) + served.MARK_SECONDS >= clock.seconds
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", refuse)


@pytest.fixture
def ask(invoke: Invoke) -> Callable[[], Any]:
    """Do what the predict function does when it meets a paused model that a request resumes."""
    return lambda: invoke("resume_model", {"tenant": "acme", "model": "churn", "pause": row()["paused"]["pause"]})


def pause_and_retire(**changed: Any) -> None:
    make_idle(**{"resume": "on-request"} | changed)
    assert paused() == ["churn"]
    end_retirement(V2)


def test_a_prediction_resumes_the_model_once_and_is_answered_when_to_come_back(
    stack: dict[str, str], invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoked = []

    def on_the_wire(request: Any, **_: Any) -> AWSResponse:
        invoked.append(json.loads(request.body))
        return AWSResponse(
            request.url, 200, HTTPHeaders(), Body(json.dumps(invoke("resume_model", invoked[-1])).encode())
        )

    monkeypatch.setenv("RESUME_MODEL_FUNCTION", "tenantml-resume-model")
    events = platform("lambda").meta.events
    events.register_first("before-send.lambda.Invoke", on_the_wire)
    try:
        pause_and_retire(resume="by-hand")
        with pytest.raises(ModelPaused):
            serving._look_up("acme", "churn")
        assert invoked == []
        pause_and_retire()
        for _ in range(2):
            with pytest.raises(ModelResuming) as refused:
                serving._look_up("acme", "churn")
            assert (refused.value.status, refused.value.retry_after_seconds) == (503, 60)
    finally:
        events.unregister("before-send.lambda.Invoke", on_the_wire)
    assert invoked == [{"tenant": "acme", "model": "churn", "pause": row()["paused"]["pause"]}]
    assert registry.resumed_as(row())


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.explore)])
def test_of_requests_at_once_one_resumes_the_model_whichever_comes_between_the_others_calls(
    stack: dict[str, str], ask: Callable[[], Any], step: int
) -> None:
    for turn in itertools.count(step=step):
        pause_and_retire()
        known, waiting = names_started(stack), list(range(turn + 1))

        def overtake(waiting: list[int] = waiting, **_: Any) -> None:
            """Let another request come before one of the calls of the first."""
            if waiting and waiting.pop() == 0:
                ask()

        events = [platform(service).meta.events for service in ("dynamodb", "stepfunctions")]
        for found in events:
            found.register_first("before-send", overtake)
        try:
            ask()
        finally:
            for found in events:
                found.unregister("before-send", overtake)
        anew = registry.resumed_as(row())
        assert names_started(stack) - known == {f"acme_churn_{anew}"}, turn
        if waiting:  # it came after the first request's last call
            break
        registry.end_version(Run(f"e-{V2}", "acme", "churn", anew or ""), {"error": None})
    assert turn > 5
    found = registry.get_version("acme", "churn", anew or "")
    assert (found["returned"]["by"], found["returns_to"]) == ("on-request", V2)
    registry.promote("acme", "churn", anew or "", over=None)
    assert (row()["live_version"], row()["paused"]) == (anew, None)


def test_a_request_is_nobodys_word_so_that_an_upload_under_way_is_promoted_after_it(ask: Callable[[], Any]) -> None:
    pause_and_retire()
    upload = "v20261123-000000-dddd"  # newer than what answered, older than the request
    put_version("acme", "churn", upload, {})
    ask()
    anew = registry.resumed_as(row()) or ""
    registry.promote("acme", "churn", anew, over=None)
    registry.promote("acme", "churn", upload, over=anew)
    assert row()["live_version"] == upload


def test_a_request_while_the_endpoint_stands_lets_it_answer_at_once(
    stack: dict[str, str], ask: Callable[[], Any]
) -> None:
    make_idle(resume="on-request")
    paused()
    ask()
    assert (row()["live_version"], len(started(stack))) == (V2, 1)
    upload = "v20261123-000000-dddd"
    put_version("acme", "churn", upload, {})
    registry.promote("acme", "churn", upload, over=V2)
    assert row()["live_version"] == upload, "which was nobody's word either"


def test_a_request_resumes_nothing_that_its_settings_or_a_person_let_rest(
    tenant: Tenant, stack: dict[str, str], invoke: Invoke, ask: Callable[[], Any]
) -> None:
    pause_and_retire(resume="by-hand")
    ask()
    assert registry.resumed_as(row()) is None
    pause_and_retire()
    of_an_earlier_pause = {"tenant": "acme", "model": "churn", "pause": "ffffff"}
    assert invoke("resume_model", of_an_earlier_pause) == {}
    assert registry.resumed_as(row()) is None


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda: registry.put_model("acme", "churn", ModelSettings("Churn?", resume="on-request",
                                                                   monthly_budget_usd=0)), BudgetExceeded),
        (lambda: registry.forget_training("acme", "churn", f"e-{V2}"), ArtefactsGone),
        (lambda: registry.set_tenant_status("acme", SUSPENDED, "x"), TenantSuspended),
    ],
)  # fmt: skip
def test_a_request_that_cannot_resume_says_why(
    ask: Callable[[], Any], spoil: Callable[[], object], error: type[Exception]
) -> None:
    pause_and_retire()
    spoil()
    with pytest.raises(error):
        ask()
    assert registry.resumed_as(row()) is None


def test_a_resumption_that_failed_is_not_tried_again_by_requests(tenant: Tenant, ask: Callable[[], Any]) -> None:
    pause_and_retire()
    ask()
    anew = registry.resumed_as(row()) or ""
    registry.end_version(Run(f"e-{V2}", "acme", "churn", anew), {"error": {"code": "DeploymentFailed"}})
    for _ in range(2):
        with pytest.raises(ModelPaused, match=anew):
            ask()
    assert registry.resumed_as(row()) is None
    deployments.resume(tenant, "churn", "k")
    assert registry.resumed_as(row()) not in {None, anew}, "a person may"
