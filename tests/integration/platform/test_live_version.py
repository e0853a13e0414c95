"""Which version answers: the newest word wins, whoever is late, and no endpoint goes that may still be called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import platform
from tenantml.domain.judging.approval import OPERATOR
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import (
    InvalidRequest,
    LiveVersionChanged,
    NeverLive,
    NotFound,
    PlatformUnavailable,
    StillChanging,
    UploadSuperseded,
)
from tenantml.services import registry, tenant_scope
from tenantml.services.registry import keys, live, table
from tenantml.services.run_context import RunContext
from tests.rows import put_training, put_version

V1, V2, V3 = "v20261121-000000-aaaa", "v20261122-000000-bbbb", "v20991123-000000-cccc"
Put = Callable[..., tuple[int, dict[str, Any]]]


def statuses() -> dict[str, str]:
    found = {name: registry.find_version("acme", "churn", name) for name in (V1, V2, V3)}
    return {name: row["status"] for name, row in found.items() if row}


def live_version() -> Any:
    return registry.get_model("acme", "churn").get("live_version")


@pytest.fixture(autouse=True)
def begin(tenant: Tenant, deleted: set[str]) -> None:
    make_versions(tenant)


def make_versions(tenant: Tenant) -> None:
    """Make three versions; the first two are promoted, the third is newer than whatever is done by hand here."""
    registry.remove_model("acme", "churn")
    registry.put_model("acme", "churn", ModelSettings("Churn?"))
    for name in (V1, V2, V3):
        put_version("acme", "churn", name, {"execution": f"e-{name}", "candidate": "best"})
    for name in (V1, V2):
        registry.promote("acme", "churn", name)


@pytest.fixture
def put(invoke: Callable[[str, Any], Any], monkeypatch: pytest.MonkeyPatch) -> Put:
    """PUT /models/churn/live-version with a key of the tenant's."""
    monkeypatch.setattr(tenant_scope, "_scoped_client", platform)

    def put(body: Any, model: str = "churn") -> tuple[int, dict[str, Any]]:
        answer = invoke(
            "tenant_api",
            {
                "httpMethod": "PUT",
                "resource": "/models/{model}/live-version",
                "pathParameters": {"model": model},
                "headers": {"Content-Type": "application/json"},
                "requestContext": {"authorizer": {"tenant": "acme", "key_id": "0123456789ab"}},
                "body": json.dumps(body),
            },
        )
        return answer["statusCode"], json.loads(answer["body"])

    return put


def test_the_replaced_version_answers_again_at_once_and_who_asked_is_recorded(put: Put) -> None:
    assert statuses() == {V1: "standby", V2: "live", V3: "deploying"}
    status, body = put({"version": V1})
    assert (status, body["version"], body["live"], body["status"]) == (200, V1, True, "live")
    assert body["returned"]["by"] == "0123456789ab"
    assert body["returned"]["at"] >= "2026"
    assert (live_version(), statuses()[V2]) == (V1, "standby")
    assert put({"version": V1})[0] == 200, "a repeat says the same"


def test_a_retried_promotion_does_not_undo_a_return(put: Put) -> None:
    put({"version": V1})
    assert registry.promote("acme", "churn", V2) == V1
    assert (live_version(), statuses()[V2]) == (V1, "standby")


def test_choosing_the_version_that_is_live_is_a_word_too(put: Put) -> None:
    late = "v20261122-120000-dddd"
    put_version("acme", "churn", late, {})
    assert put({"version": V2})[0] == 200
    with pytest.raises(UploadSuperseded, match="by hand"):
        registry.promote("acme", "churn", late)
    assert live_version() == V2


def test_a_deployment_that_a_later_word_superseded_is_not_named_again(put: Put) -> None:
    put_training(Run(f"e-{V1}", "acme", "churn", V1), "2026-11-21")
    registry.begin_retirement("acme", "churn", V1)
    first = put({"version": V1})[1]["version"]
    table.update(keys.model("acme", "churn"), {"newest_word": "2099-01-01T00:00:00Z"})
    assert put({"version": V1})[1]["version"] != first


def test_what_was_deployed_to_return_and_stands_answers_again_at_once(put: Put) -> None:
    put_training(Run(f"e-{V1}", "acme", "churn", V1), "2026-11-21")
    registry.begin_retirement("acme", "churn", V1)
    again = put({"version": V1})[1]["version"]
    registry.promote("acme", "churn", again)
    assert put({"version": V2})[0] == 200
    status, body = put({"version": V1})
    assert (status, body["version"], live_version()) == (200, again, again)


def test_what_was_uploaded_before_a_return_is_promoted_no_more_and_what_came_after_is(put: Put) -> None:
    late = "v20261122-120000-dddd"
    put_version("acme", "churn", late, {})
    put({"version": V1})
    with pytest.raises(UploadSuperseded, match="by hand"):
        registry.promote("acme", "churn", late)
    assert live_version() == V1
    assert registry.promote("acme", "churn", V3) == V1
    assert live_version() == V3


def test_of_an_upload_and_a_choice_by_hand_in_the_same_second_the_upload_is_the_later(put: Put, upload: Upload) -> None:
    put({"version": V1})
    second = registry.get_model("acme", "churn")["newest_word"]
    version = "v20261122-120000-dddd"
    put_version("acme", "churn", version, {"order": replace(upload, uploaded_at=second).order})
    assert registry.promote("acme", "churn", version) == V1
    assert live_version() == version


def test_a_version_whose_endpoint_is_gone_is_deployed_anew_while_the_live_one_answers(
    put: Put, stack: dict[str, str]
) -> None:
    put_training(Run(f"e-{V1}", "acme", "churn", V1), "2026-11-21")
    assert registry.begin_retirement("acme", "churn", V1)
    status, body = put({"version": V1})
    assert (status, body["returns_to"], body["candidate"], body["status"]) == (202, V1, "best", "requested")
    assert body["returned"]["by"] == "0123456789ab"
    assert live_version() == V2
    assert put({"version": V1})[1]["version"] == body["version"], "a repeat starts nothing more"
    (found,) = platform("stepfunctions").list_executions(stateMachineArn=stack["DEPLOYMENT_STATE_MACHINE"])[
        "executions"
    ]
    assert found["name"] == f"acme_churn_{body['version']}"


def test_a_version_whose_endpoint_the_customer_deleted_is_deployed_anew_while_the_live_one_answers(
    put: Put, tenant: Tenant, deleted: set[str]
) -> None:
    put_training(Run(f"e-{V1}", "acme", "churn", V1), "2026-11-21")
    deleted.add(tenant.account.endpoint("churn", V1))
    status, body = put({"version": V1})
    assert (status, body["returns_to"], body["status"]) == (202, V1, "requested")
    assert (live_version(), statuses()[V1]) == (V2, "retiring")
    assert not registry.fall_back("acme", "churn", V2, "it fails more"), "no bake comes back to it, either"
    registry.promote("acme", "churn", body["version"])
    deleted.add(tenant.account.endpoint("churn", body["version"]))
    assert put({"version": V2})[0] == 200
    status, again = put({"version": V1})
    assert status == 202, "what was deployed to return to it is deleted, too"
    assert again["version"] != body["version"]


def test_a_deleted_endpoint_of_which_no_artefacts_are_kept_is_returned_to_by_training_again(
    put: Put, tenant: Tenant, deleted: set[str]
) -> None:
    deleted.add(tenant.account.endpoint("churn", V1))
    status, body = put({"version": V1})
    assert (status, body["code"], live_version()) == (409, "ArtefactsGone", V2)


def test_a_look_that_aws_does_not_answer_changes_nothing(
    put: Put, answer_with: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    answer_with("sts", "AssumeRole", 429, "Throttling")
    status, body = put({"version": V1})
    assert (status, body["code"], live_version(), statuses()[V1]) == (503, "CustomerThrottled", V2, "standby")


def test_an_account_that_does_not_let_us_look_keeps_nobody_from_returning(
    put: Put, answer_with: Callable[..., None]
) -> None:
    answer_with("sts", "AssumeRole", 403, "AccessDenied")
    assert put({"version": V1})[0] == 200
    assert live_version() == V1


def test_a_version_for_batches_alone_is_returned_to_without_an_endpoint(
    put: Put, tenant: Tenant, deleted: set[str]
) -> None:
    registry.update_version("acme", "churn", V1, {"plan": {"endpoint": "none"}})
    deleted.add(tenant.account.endpoint("churn", V1))
    assert put({"version": V1})[0] == 200


def test_a_live_version_whose_endpoint_the_customer_deleted_is_made_anew_without_another_training(
    put: Put, tenant: Tenant, deleted: set[str]
) -> None:
    put_training(Run(f"e-{V2}", "acme", "churn", V2), "2026-11-22")
    deleted.add(tenant.account.endpoint("churn", V2))
    status, body = put({"version": V2})
    assert (status, body["returns_to"], live_version(), statuses()[V2]) == (202, V2, V2, "live")
    assert put({"version": V2})[1]["version"] == body["version"], "a repeat starts nothing more"
    registry.promote("acme", "churn", body["version"])
    assert (put({"version": V2})[0], live_version(), statuses()[V2]) == (200, body["version"], "retiring")


def test_what_goes_live_while_it_is_looked_at_is_not_retired(put: Put, tenant: Tenant, deleted: set[str]) -> None:
    put_training(Run(f"e-{V1}", "acme", "churn", V1), "2026-11-21")
    deleted.add(tenant.account.endpoint("churn", V1))
    events = platform("lambda").meta.events

    def overtake(**_: Any) -> None:
        registry.return_to("acme", "churn", V1, "another")

    events.register_first("before-send.lambda.Invoke", overtake)
    try:
        assert put({"version": V1})[0] == 202
    finally:
        events.unregister("before-send.lambda.Invoke", overtake)
    assert (live_version(), statuses()[V1]) == (V1, "live")


@pytest.mark.parametrize(
    ("body", "model", "status", "code"),
    [
        ({"version": "v20200101-000000-0000"}, "churn", 404, "NotFound"),
        ({"version": "v1#VERSION"}, "churn", 404, "NotFound"),
        ({"version": V1}, "of-somebody", 404, "NotFound"),
        ({"version": V3}, "churn", 409, "NeverLive"),
        ({"version": 1}, "churn", 400, "InvalidRequest"),
        ({"version": V1, "now": True}, "churn", 400, "InvalidRequest"),
    ],
)
def test_what_cannot_be_returned_to_is_refused_by_name(put: Put, body: Any, model: str, status: int, code: str) -> None:
    found = put(body, model)
    assert (found[0], found[1]["code"]) == (status, code)
    assert live_version() == V2


def test_an_operator_returns_to_a_version_in_the_tenants_place(invoke: Callable[[str, Any], Any]) -> None:
    asked = {"tenant": "acme", "model": "churn", "version": V1}
    for other in ({"version": "v1"}, {"model": "x" * 800}, {"model": "of-somebody"}):
        with pytest.raises(NotFound):
            invoke("return_version", asked | other)
    with pytest.raises(NeverLive):
        invoke("return_version", asked | {"version": V3})
    assert invoke("return_version", asked) == asked | {"live": True}
    assert live_version() == V1
    assert (registry.find_version("acme", "churn", V1) or {})["returned"]["by"] == OPERATOR


def test_an_operator_deploys_a_candidate_in_the_tenants_place(
    invoke: Callable[[str, Any], Any], run: Run, stack: dict[str, str]
) -> None:
    board = [{"name": name, "status": "Completed"} for name in ("best", "lesser")]
    upload = {"uploaded_at": "2026-11-21T00:00:00Z"}
    document = {"upload": upload, "settings": ModelSettings("Churn?").as_document(), "model": "churn"}
    registry.add_execution("acme", run.execution, document | {"training": {"candidate": "best", "candidates": board}})
    put_training(run, "2026-11-21")
    asked = {"tenant": "acme", "model": "churn", "execution": run.execution, "candidate": "lesser"}
    for other in ({"execution": "e"}, {"execution": "x" * 80}, {"model": "x" * 800}, {"model": "of-somebody"}):
        with pytest.raises(NotFound):
            invoke("deploy_version", asked | other)
    with pytest.raises(InvalidRequest, match="none of this name"):
        invoke("deploy_version", asked | {"candidate": "somebody-elses"})
    found = invoke("deploy_version", asked | {"promote": "always"})
    row = registry.find_version("acme", "churn", found["version"]) or {}
    assert (row["candidate"], row["settings"], found["status"]) == ("lesser", {"promote": "always"}, "requested")
    machine = stack["DEPLOYMENT_STATE_MACHINE"]
    (started,) = platform("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert started["name"] == f"acme_churn_{found['version']}"


def test_a_version_that_is_asked_for_is_judged_as_the_model_asks_now_and_not_when_it_was_trained(
    run: Run, stack: dict[str, str], invoke: Callable[[str, Any], Any]
) -> None:
    trained_with = ModelSettings("Churn?", margin=0, approval_hours=1, instance_type="ml.m5.large").as_document()
    training = {"candidate": "best", "candidates": [{"name": "best", "status": "Completed"}]}
    document = run.as_document() | {"upload": {"uploaded_at": "2026-11-21"}, "settings": trained_with}
    registry.add_execution("acme", run.execution, document | {"training": training})
    put_training(run, "2026-11-21")
    now = {"margin": 0.2, "promote": "manual", "thresholds": {"F1": 0.5}, "bake_minutes": 7}
    registry.put_model("acme", "churn", ModelSettings("Renamed", instance_type="ml.m5.xlarge", **now))
    for asked in ({}, {"promote": "always"}):
        found = invoke("deploy_version", {"tenant": "acme", "model": "churn", "execution": run.execution} | asked)
        settings = RunContext(Run(run.execution, "acme", "churn", found["version"])).version_settings
        assert settings.as_document() == trained_with | now | {"approval_hours": 72} | asked
        row = registry.find_version("acme", "churn", found["version"]) or {}
        assert row["settings"] == asked, "what was asked for is told apart"


def test_two_requests_that_chance_gives_one_name_are_not_answered_as_one(run: Run) -> None:
    registry.request_version(run, {"candidate": "best", "order": ""})
    registry.request_version(run, {"candidate": "best", "order": ""})
    with pytest.raises(PlatformUnavailable, match="try again"):
        registry.request_version(run, {"candidate": "lesser", "order": ""})


def test_a_version_without_endpoint_and_artefacts_says_how_to_train_again(put: Put) -> None:
    registry.begin_retirement("acme", "churn", V1)
    status, body = put({"version": V1})
    assert (status, body["code"]) == (409, "ArtefactsGone")
    assert "upload the file again" in body["detail"]


def test_no_version_is_retired_before_its_last_requests_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "DRAIN_SECONDS", 35)
    with pytest.raises(StillChanging, match="last requests"):
        registry.begin_retirement("acme", "churn", V1)
    with pytest.raises(StillChanging, match="last requests"):
        registry.begin_retirement("acme", "churn", V1, drained_from="2026-11-22T17:30:00.250Z")
    assert statuses()[V1] == "standby"
    assert not registry.begin_retirement("acme", "churn", V2), "the live one is never"
    assert registry.begin_retirement("acme", "churn", V1, drained_from=f"{table.now()[:-1]}.999Z"), "it has waited"


@pytest.fixture
def before_the_next_write(stack: dict[str, str]) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Let something happen between what is read and the write that depends on it."""
    events, happens = platform("dynamodb").meta.events, list[Callable[[], object]]()

    def interrupt(**_: Any) -> None:
        if happens:
            happens.pop()()

    events.register("before-call.dynamodb.TransactWriteItems", interrupt)
    yield happens.append
    events.unregister("before-call.dynamodb.TransactWriteItems", interrupt)


def test_a_promotion_that_another_overtakes_between_its_reading_and_its_writing_is_judged_again(
    before_the_next_write: Callable[[Callable[[], object]], None],
) -> None:
    before_the_next_write(lambda: registry.return_to("acme", "churn", V1, OPERATOR))
    with pytest.raises(LiveVersionChanged):
        registry.promote("acme", "churn", V3, over=V2)
    assert (live_version(), statuses()[V3]) == (V1, "deploying")


def test_a_version_that_is_removed_between_its_reading_and_its_promotion_does_not_go_live(
    before_the_next_write: Callable[[Callable[[], object]], None],
) -> None:
    before_the_next_write(lambda: registry.begin_retirement("acme", "churn", V3))
    with pytest.raises(NotFound, match="is being removed"):
        registry.promote("acme", "churn", V3)
    assert (live_version(), statuses()[V3]) == (V2, "retiring")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(steps=[("promote", V3), ("fall back", V3), ("return", V3)])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["promote", "return", "fall back", "retire"]), st.sampled_from([V1, V2, V3])),
        max_size=12,
    )
)
def test_whatever_moves_the_pointer_in_whatever_order_one_version_is_live_was_promoted_and_stands(
    tenant: Tenant, steps: list[tuple[str, str]]
) -> None:
    make_versions(tenant)
    retired = set()
    for step, version in steps:
        before = live_version()
        try:
            if step == "promote":
                registry.promote("acme", "churn", version)
            elif step == "return":
                registry.return_to("acme", "churn", version, "k")
            elif step == "fall back":
                registry.fall_back("acme", "churn", version, "it fails more")
            elif registry.begin_retirement("acme", "churn", version):
                retired.add(version)
        except (UploadSuperseded, NotFound):
            assert live_version() == before
        assert live_version() not in retired
        assert [name for name, status in statuses().items() if status == "live"] == [live_version()]
        row = registry.get_version("acme", "churn", live_version())
        assert "promoted_at" in row
        assert not row.get("refused"), "what answers is not told as rolled back"
