"""A paused model: nothing answers, nothing that was paid for goes, and whoever comes in between, one word holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import platform
from tenantml.domain.judging.approval import OPERATOR
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import (
    ArtefactsGone,
    LiveVersionChanged,
    ModelNotReady,
    ModelPaused,
    ModelResuming,
    NeverLive,
    NotFound,
    UploadSuperseded,
)
from tenantml.services import deployments, registry, retention, serving, tenant_scope
from tenantml.services.registry import keys, pointer, table
from tests.rows import put_training, put_version

V1, V2, V3 = "v20261121-000000-aaaa", "v20261122-000000-bbbb", "v20991123-000000-cccc"
EVALUATED = {"evaluation": {"rows": 7}, "verdict": {"decision": "promote"}, "plan": {"instance_type": "ml.m5.large"}}
Put = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def begin(tenant: Tenant, deleted: set[str]) -> None:
    make_versions()


def make_versions() -> None:
    """Make three versions of kept trainings, of which the second answers and the third is newer than all words."""
    registry.remove_model("acme", "churn")
    registry.put_model("acme", "churn", ModelSettings("Churn?"))
    for name in (V1, V2, V3):
        put_version("acme", "churn", name, {"execution": f"e-{name}", "candidate": "best"} | EVALUATED)
        put_training(Run(f"e-{name}", "acme", "churn", name), name)
    for name in (V1, V2):
        registry.promote("acme", "churn", name)
        registry.update_version("acme", "churn", name, {"ended_at": "2026-11-22T00:00:00Z"})


@pytest.fixture
def ask(invoke: Callable[[str, Any], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A request about a model with a key of the tenant's."""
    monkeypatch.setattr(tenant_scope, "_scoped_client", platform)

    def ask(method: str, resource: str, body: Any = None, **parameters: str) -> tuple[int, dict[str, Any]]:
        answer = invoke(
            "tenant_api",
            {
                "httpMethod": method,
                "resource": resource,
                "pathParameters": {"model": "churn"} | parameters,
                "headers": {"Content-Type": "application/json"},
                "requestContext": {"authorizer": {"tenant": "acme", "key_id": "0123456789ab"}},
                "body": json.dumps(body),
            },
        )
        return answer["statusCode"], json.loads(answer["body"])

    return ask


@pytest.fixture
def put(ask: Callable[..., Any]) -> Put:
    """PUT /models/churn/state."""

    def put(body: Any, model: str = "churn") -> tuple[int, dict[str, Any]]:
        found: tuple[int, dict[str, Any]] = ask("PUT", "/models/{model}/state", body, model=model)
        return found

    return put


def started(stack: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The deployment machine's executions by name, with their input."""
    client, machine = platform("stepfunctions"), stack["DEPLOYMENT_STATE_MACHINE"]
    found = client.list_executions(stateMachineArn=machine)["executions"]
    return {
        row["name"]: json.loads(client.describe_execution(executionArn=row["executionArn"])["input"]) for row in found
    }


def status_of(version: str) -> str:
    return str(registry.get_version("acme", "churn", version)["status"])


def state() -> tuple[str | None, str | None, str | None]:
    """Which version answers, which did when it was paused, and which is to resume it."""
    row = registry.get_model("acme", "churn")
    return row.get("live_version"), registry.paused_version(row), registry.resumed_as(row)


def end_retirement(version: str) -> None:
    """Do what the machine does that a pause starts, but for the customer's account."""
    assert registry.begin_retirement("acme", "churn", version)
    registry.update_version("acme", "churn", version, {"status": "retired"})


def test_a_pause_is_written_at_once_and_its_endpoint_goes_by_the_machine(put: Put, stack: dict[str, str]) -> None:
    status, body = put({"paused": True})
    assert (status, body["live_version"], body["state"]["status"]) == (200, None, "paused")
    assert (body["state"]["paused_version"], body["state"]["paused_by"]) == (V2, "0123456789ab")
    assert status_of(V2) == "standby"
    assert put({"paused": True})[1]["state"] == body["state"], "a repeat says the same"
    ((name, given),) = started(stack).items()
    assert name.startswith(f"acme_churn_{V2}_")
    assert (given["task"], given["run"]["version"], given["run"]["execution"]) == ("retire", V2, f"e-{V2}")
    assert registry.begin_retirement("acme", "churn", V2), "its endpoint may go"


def test_a_resumption_makes_an_endpoint_anew_that_the_customer_deleted(
    put: Put, tenant: Tenant, deleted: set[str]
) -> None:
    put({"paused": True})
    deleted.add(tenant.account.endpoint("churn", V2))
    status, body = put({"paused": False})
    assert (status, body["live_version"], body["state"]["status"]) == (200, None, "resuming")
    assert status_of(V2) == "retiring"


def test_a_resumption_while_the_endpoint_stands_answers_at_once(put: Put, stack: dict[str, str]) -> None:
    put({"paused": True})
    status, body = put({"paused": False})
    assert (status, body["live_version"], body["state"]["status"]) == (200, V2, "live")
    assert len(started(stack)) == 1, "nothing is deployed"
    assert not registry.begin_retirement("acme", "churn", V2), "and the machine of the pause removes nothing"
    assert put({"paused": False})[1]["live_version"] == V2, "a model that is not paused stays as it is"


def test_a_resumption_makes_the_endpoint_anew_and_is_not_judged_again(put: Put, stack: dict[str, str]) -> None:
    put({"paused": True})
    end_retirement(V2)
    status, body = put({"paused": False})
    anew = body["state"]["resumes_as"]
    assert (status, body["state"]["status"], body["live_version"]) == (200, "resuming", None)
    assert put({"paused": False})[1]["state"]["resumes_as"] == anew, "a repeat starts nothing more"
    assert started(stack)[f"acme_churn_{anew}"]["task"] == "resume"
    row = registry.get_version("acme", "churn", anew)
    assert (row["candidate"], row["execution"], row["returns_to"]) == ("best", f"e-{V2}", V2)
    assert {name: row[name] for name in EVALUATED} == EVALUATED
    assert Run.evaluated(row | {"tenant": "acme"}).version == V2, "its evaluation is that of what it resumes"
    assert registry.promote("acme", "churn", anew, over=None) is None
    assert state() == (anew, None, None)


def told_of(published: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(detail["kind"], detail["version"], detail["by"]) for detail in published]


def test_a_pause_and_its_end_are_each_published_once(put: Put, published: list[dict[str, Any]]) -> None:
    for paused in (True, True, False, False):
        put({"paused": paused})
    assert told_of(published) == [("Model Paused", V2, "0123456789ab"), ("Model Resumed", V2, "0123456789ab")]
    assert all((detail["tenant"], detail["model"]) == ("acme", "churn") for detail in published)


def test_a_return_at_once_is_published_once_and_is_no_resumption(put: Put, published: list[dict[str, Any]]) -> None:
    put({"paused": True})
    for _ in range(2):
        deployments.return_to(registry.get_tenant("acme"), "churn", V1, "k")
    assert told_of(published) == [("Model Paused", V2, "0123456789ab"), ("Version Returned", V1, "k")]


def test_a_pause_that_could_not_be_published_is_published_by_the_next_attempt(
    put: Put, published: list[dict[str, Any]], answer_with: Callable[..., None]
) -> None:
    answer_with("events", "PutEvents", 400, "NotAuthorized", times=1)
    assert put({"paused": True})[0] == 500
    assert state() == (None, V2, None)
    assert put({"paused": True})[0] == 200
    assert [kind for kind, _, _ in told_of(published)] == ["Model Paused"] * 2, "refused, then taken"
    put({"paused": True})
    assert len(published) == 2


def test_an_operator_pauses_and_resumes_in_the_tenants_place(
    invoke: Callable[[str, Any], Any], published: list[dict[str, Any]]
) -> None:
    asked = {"tenant": "acme", "model": "churn", "paused": True}
    for other in ({"model": "x" * 800}, {"model": "of-somebody"}):
        with pytest.raises(NotFound):
            invoke("pause_model", asked | other)
    found = invoke("pause_model", asked)
    assert (found["tenant"], found["live_version"], found["state"]["status"]) == ("acme", None, "paused")
    assert found["state"]["paused_by"] == OPERATOR
    assert invoke("pause_model", asked | {"paused": False})["live_version"] == V2
    assert told_of(published) == [("Model Paused", V2, OPERATOR), ("Model Resumed", V2, OPERATOR)]


def test_a_paused_model_says_so_and_a_resuming_one_when_to_come_back(put: Put) -> None:
    put({"paused": True})
    with pytest.raises(ModelPaused, match=r"state .*false"):
        serving._look_up("acme", "churn")
    end_retirement(V2)
    anew = put({"paused": False})[1]["state"]["resumes_as"]
    with pytest.raises(ModelResuming) as refused:
        serving._look_up("acme", "churn")
    assert (refused.value.status, refused.value.retry_after_seconds) == (503, 60)
    error = {"code": "DeploymentFailed", "message": "it failed"}
    registry.end_version(Run(f"e-{V2}", "acme", "churn", anew), {"error": error})
    with pytest.raises(ModelPaused):
        serving._look_up("acme", "churn")
    assert put({"paused": True})[1]["state"]["error"] == error
    tried = put({"paused": False})[1]["state"]
    assert tried["resumes_as"] not in {None, anew}, "and it can be tried again"
    assert tried["error"] is None
    end_retirement(V2)
    assert put({"paused": True})[1]["state"]["error"] is None, "of another pause"


def test_a_model_that_answers_again_while_it_is_looked_at_is_never_shown_as_paused_for_good(put: Put) -> None:
    """Whoever watches it looks again while it is being resumed, and no more once it is paused."""
    put({"paused": True})
    end_retirement(V2)
    anew = put({"paused": False})[1]["state"]["resumes_as"]
    before = registry.get_model("acme", "churn")
    registry.promote("acme", "churn", anew, over=None)
    assert registry.resumed_as(before) == anew
    put({"paused": True})
    assert registry.resumed_as(registry.get_model("acme", "churn")) is None


@pytest.mark.parametrize(("resource", "read"), [
    ("/models/{model}/versions", "list_versions"), ("/models/{model}/versions/{version}", "find_version"),
])  # fmt: skip
def test_a_version_that_goes_live_while_it_is_looked_at_is_shown_as_live(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, resource: str, read: str
) -> None:
    """A page that saw it promoted and not live would offer to return to it, and not look again."""
    reading = getattr(registry, read)

    def promoted_before(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(registry, read, reading)
        registry.promote("acme", "churn", V3)
        return reading(*arguments, **options)

    monkeypatch.setattr(registry, read, promoted_before)
    found = ask("GET", resource, version=V3)[1]
    (shown,) = [row for row in found.get("versions", [found]) if row["version"] == V3]
    assert (shown["live"], shown["promoted_at"] is not None) == (True, True)


def test_a_pause_while_it_is_resumed_takes_the_resumption_back(put: Put) -> None:
    put({"paused": True})
    end_retirement(V2)
    anew = put({"paused": False})[1]["state"]["resumes_as"]
    assert put({"paused": True})[1]["state"]["status"] == "paused"
    with pytest.raises(UploadSuperseded, match="paused"):
        registry.promote("acme", "churn", anew, over=None)
    assert state() == (None, V2, None)
    assert put({"paused": False})[1]["state"]["resumes_as"] not in {None, anew}


def test_what_was_uploaded_before_a_pause_is_promoted_no_more_and_what_came_after_ends_it(put: Put) -> None:
    late = "v20261122-120000-dddd"
    put_version("acme", "churn", late, {})
    put({"paused": True})
    with pytest.raises(UploadSuperseded, match="paused"):
        registry.promote("acme", "churn", late)
    assert state() == (None, V2, None)
    registry.promote("acme", "churn", V3, over=None)
    assert state() == (V3, None, None)


def test_what_was_to_resume_is_not_promoted_over_what_ended_the_pause(put: Put) -> None:
    put({"paused": True})
    end_retirement(V2)
    anew = put({"paused": False})[1]["state"]["resumes_as"]
    registry.promote("acme", "churn", V3, over=None)
    with pytest.raises(UploadSuperseded):
        registry.promote("acme", "churn", anew, over=None)
    assert state() == (V3, None, None)


def test_a_version_that_is_returned_to_ends_the_pause(put: Put) -> None:
    assert status_of(V1) == "standby"
    put({"paused": True})
    assert registry.return_to("acme", "churn", V1, "k")
    assert state() == (V1, None, None)


def test_a_version_that_bakes_when_it_is_paused_does_not_come_back(put: Put, invoke: Callable[[str, Any], Any]) -> None:
    put({"paused": True})
    run = Run(f"e-{V2}", "acme", "churn", V2)
    assert invoke("check_bake", {"state": "CheckBake", "run": run.as_document(), "minutes": 1}) == {"over": True}
    assert not registry.fall_back("acme", "churn", V2, "it fails more")
    assert state() == (None, V2, None)


def test_pruning_keeps_the_training_of_a_paused_version(put: Put) -> None:
    put({"paused": True})
    end_retirement(V2)
    end_retirement(V1)
    registry.update_version("acme", "churn", V3, {"ended_at": "2026-11-23T00:00:00Z", "promoted_at": "2099-11-23"})
    retention.prune(Run(f"e-{V3}", "acme", "churn", V3), keep_versions=1)
    assert registry.find_training("acme", "churn", f"e-{V2}")
    assert registry.find_training("acme", "churn", f"e-{V1}") is None


@pytest.mark.parametrize(
    ("body", "model", "status", "code"),
    [
        ({"paused": "yes"}, "churn", 400, "InvalidRequest"),
        ({"paused": True, "for": "ever"}, "churn", 400, "InvalidRequest"),
        ({}, "churn", 400, "InvalidRequest"),
        ({"paused": True}, "of-somebody", 404, "NotFound"),
        ({"paused": True}, "untrained", 409, "ModelNotReady"),
        ({"paused": False}, "untrained", 409, "ModelNotReady"),
    ],
)
def test_what_cannot_be_paused_is_refused_by_name(put: Put, body: Any, model: str, status: int, code: str) -> None:
    registry.put_model("acme", "untrained", ModelSettings("Churn?"))
    found = put(body, model)
    assert (found[0], found[1]["code"]) == (status, code)
    assert state() == (V2, None, None)


def test_a_pause_of_whose_training_nothing_is_left_says_how_to_train_again(put: Put) -> None:
    put({"paused": True})
    end_retirement(V2)
    table.delete(keys.training("acme", "churn", f"e-{V2}"))
    assert put({"paused": False})[1]["code"] == "ArtefactsGone"


STEPS = ("pause", "resume", "in service", "promote", "return", "fall back", "retire")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([V1, V2, V3])), min_size=4, max_size=12))
def test_whatever_happens_in_whatever_order_a_model_answers_with_what_stands_or_is_paused_with_what_is_kept(
    tenant: Tenant, steps: list[tuple[str, str]]
) -> None:
    make_versions()
    retired: set[str] = set()
    for step, version in steps:
        before, _, anew = state()
        try:
            if step == "pause":
                deployments.pause(tenant, "churn", "k")
                assert state()[0] is None
                assert state()[2] is None
            elif step == "resume":
                deployments.resume(tenant, "churn", "k")
                assert state()[0] or state()[2]
            elif step == "in service" and anew:
                registry.promote("acme", "churn", anew, over=None)
                assert state()[0] == anew
            elif step == "promote":
                registry.promote("acme", "churn", version, over=before)
            elif step == "return":
                registry.return_to("acme", "churn", version, "k")
            elif step == "fall back":
                registry.fall_back("acme", "churn", version, "it fails more")
            elif step == "retire" and registry.begin_retirement("acme", "churn", version):
                retired.add(version)
        except (UploadSuperseded, LiveVersionChanged, NotFound, NeverLive, ModelNotReady, ArtefactsGone):
            assert state() == (before, state()[1], anew)
        live_version, paused, _ = state()
        rows = registry.all_versions("acme", "churn")
        assert bool(live_version) != bool(paused), "it answers, or it is paused"
        assert live_version not in retired, "what answers stands"
        assert [row["version"] for row in rows if row["status"] == pointer.LIVE] == [live_version] * bool(live_version)
        assert "promoted_at" in registry.get_version("acme", "churn", live_version or paused or "")
