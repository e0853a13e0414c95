"""Every end that people must hear of reaches them: the rules of the template, and the events that they are to match."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.events.models import EventPattern, EventPatternParser

from tenantml.aws import stepfunctions
from tenantml.aws.clients import platform
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import TenantError
from tenantml.services import deployments, outcomes, registry
from tests.integration.platform.conftest import TEMPLATE
from tests.rows import put_training, put_version

Invoke = Callable[[str, Any], Any]
Sample = Callable[[str], Any]
Heard = list[tuple[str, dict[str, Any]]]
OURS = {"Error": "QuotaExceeded", "Cause": "no instance is left"}
THEIRS = {"Error": "TooFewRows", "Cause": "499 rows"}


@pytest.fixture
def heard(stack: dict[str, str]) -> Iterator[Heard]:
    """The kinds and details of the events that the rule for operators matches, as EventBridge matches."""
    text = json.dumps(TEMPLATE["FailureRule"]["Properties"]["EventPattern"])
    pattern, found = EventPattern(text, EventPatternParser(text).parse()), Heard()

    def listen(params: dict[str, Any], **_: Any) -> None:
        for entry in params["Entries"]:
            detail = json.loads(entry["Detail"])
            event: Any = {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail}
            if pattern.matches_event(event):
                found.append((entry["DetailType"], detail))

    events = platform("events").meta.events
    events.register("provide-client-params.events.PutEvents", listen)
    yield found
    events.unregister("provide-client-params.events.PutEvents", listen)


@pytest.fixture
def again(tenant: Tenant, run: Run) -> Run:
    """A version that somebody asked for, of a training that its upload's execution brought to another version."""
    version = "v20261123-170301-abcd"
    asked = {"execution": run.execution, "candidate": "WeightedEnsemble-L3-FULL-t1"}
    put_training(run, "2026-11-22")
    put_version(run.tenant, run.model, version, asked)
    return Run.of_row({**asked, "tenant": run.tenant, "model": run.model, "version": version})


def test_operators_hear_of_an_upload_that_failed(tenant: Tenant, upload: Upload, heard: Heard) -> None:
    outcomes.record(upload, OURS, [])
    assert [(kind, detail["error"]["code"]) for kind, detail in heard] == [("Execution Ended", "QuotaExceeded")]


def test_operators_hear_of_a_deployment_that_failed(again: Run, heard: Heard) -> None:
    outcomes.record_deployment(again, OURS, [])
    assert [(kind, detail["version"]) for kind, detail in heard] == [("Deployment Ended", again.version)]


def test_operators_do_not_hear_of_what_the_tenant_can_mend(
    again: Run, upload: Upload, invoke: Invoke, event: Sample, heard: Heard
) -> None:
    invoke("accept_upload", event("accept_upload"))
    outcomes.record(upload, THEIRS, [])
    outcomes.record_deployment(again, {"Error": "DidNotBeatLive", "Cause": "it is worse"}, [])
    outcomes.record_deployment(again, None, [])
    assert heard == []


def test_a_deployment_whose_end_was_recorded_and_not_published_is_published_by_the_sweep(
    again: Run, invoke: Invoke, event: Sample, stack: dict[str, str], heard: Heard, answer_with: Callable[..., None]
) -> None:
    deployments.start(again, registry.get_tenant(again.tenant).account, "WeightedEnsemble-L3-FULL-t1")
    answer_with("events", "PutEvents", 400, "NotAuthorized", times=1)
    with pytest.raises(Exception, match="NotAuthorized"):
        outcomes.record_deployment(again, OURS, [])
    stepfunctions.stop(stack["DEPLOYMENT_STATE_MACHINE"], again.deployment)
    del heard[:]
    assert invoke("rescue_lost", event("rescue_lost"))["executions"] == [again.deployment]
    assert [detail["error"]["code"] for _, detail in heard] == ["QuotaExceeded"]
    assert invoke("rescue_lost", event("rescue_lost"))["executions"] == []


def test_a_suspension_by_an_operator_is_published_once_with_its_reason(
    tenant: Tenant, invoke: Invoke, published: list[dict[str, Any]]
) -> None:
    for reason in ("the invoice is open", "it still is"):
        invoke("suspend_tenant", {"tenant": "acme", "reason": reason})
        assert registry.get_tenant("acme").reason == reason
    (detail,) = published
    suspended = {"kind": "Tenant Suspended", "tenant": "acme", "status": "suspended"}
    assert detail == suspended | {"reason": "the invoice is open"}


def test_what_an_operator_finds_out_by_activating_is_published(
    tenant: Tenant, invoke: Invoke, published: list[dict[str, Any]]
) -> None:
    """The tenant has no roles here, so the probe fails."""
    for _ in range(2):
        with pytest.raises(TenantError):
            invoke("activate_tenant", {"tenant": "acme"})
    assert [(detail["kind"], detail["reason"]) for detail in published] == [
        ("Tenant Suspended", registry.get_tenant("acme").reason)
    ]


def test_what_nothing_catches_has_a_name_and_operators_hear_of_it(
    tenant: Tenant, upload: Upload, invoke: Invoke, event: Sample, run: Run, heard: Heard
) -> None:
    """Step Functions developer guide, "Error names": States.ALL catches neither."""
    invoke("accept_upload", event("accept_upload"))
    sample = event("rescue_execution")
    ended = sample | {"detail": sample["detail"] | {"status": "FAILED", "error": "States.DataLimitExceeded"}}
    ended["detail"]["input"] = json.dumps(upload.as_input())
    invoke("rescue_execution", ended)
    assert registry.require_execution("acme", run.execution)["error"]["code"] == "InternalFailure"
    assert [kind for kind, _ in heard] == ["Execution Ended"]


def test_stopping_an_execution_that_has_ended_says_how_it_ended(
    again: Run, stack: dict[str, str], answer_with: Callable[..., None]
) -> None:
    deployments.start(again, registry.get_tenant(again.tenant).account, "WeightedEnsemble-L3-FULL-t1")
    machine = stack["DEPLOYMENT_STATE_MACHINE"]
    assert stepfunctions.stop(machine, again.deployment) == "ABORTED"
    answer_with("stepfunctions", "StopExecution", 400, "ValidationException")
    assert stepfunctions.stop(machine, again.deployment) == "ABORTED"
