"""What ends in a customer's account ends in registry, report and receipt as well: keys, jobs, endpoints, objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tenantml.aws.clients import shared_session
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.removal_report import IMPOSSIBLE, Offboarding
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.execution_outcome import concerns_operators
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import DeploymentTimedOut, StillChanging, TurnTimedOut, WrongAccount, WrongRegion
from tenantml.services import api_keys, evidence, offboarding, probe, receipts, registry, removal, reports, rescue
from tenantml.services.customer import assume
from tenantml.services.registry import keys
from tests.rows import put_version

Invoke = Callable[[str, Any], Any]
Sample = Callable[[str], Any]
EMPTY = {"Models": [], "Endpoints": [], "EndpointConfigs": [], "AutoMLJobSummaries": []}


@pytest.fixture
def customers(stack: dict[str, str]) -> Iterator[dict[str, dict[str, Any]]]:
    """What SageMaker answers in the customer's account, by operation; its lists are empty at first."""
    answers: dict[str, dict[str, Any]] = {}

    def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        found = EMPTY | answers.get(model.name, {})
        return SimpleNamespace(status_code=200), found | {"ResponseMetadata": {"HTTPStatusCode": 200}}

    events = shared_session().get_component("event_emitter")
    events.register("before-call.sagemaker", answer)
    yield answers
    events.unregister("before-call.sagemaker", answer)


@pytest.fixture
def accepted(tenant: Tenant, run: Run, invoke: Invoke, event: Sample) -> Run:
    invoke("accept_upload", event("accept_upload"))
    put_version(run.tenant, run.model, run.version, {"execution": run.execution})
    return run


@pytest.fixture
def wanted(tenant: Tenant, customers: dict[str, Any], customer_s3: Any) -> Offboarding:
    begun = offboarding.begin(Offboarding.of({"tenant": tenant.tenant}))
    return Offboarding.from_document(begun["offboarding"])


def test_a_removal_begins_with_the_keys(tenant: Tenant) -> None:
    issued = [api_keys.issue(tenant.tenant) for _ in range(2)]
    offboarding.begin(Offboarding.of({"tenant": tenant.tenant}))
    assert [api_keys.tenant_of(key) for key in issued] == [None, None]
    assert api_keys.listed(tenant.tenant) == []


def test_what_appears_after_it_was_removed_is_counted(
    tenant: Tenant, wanted: Offboarding, customers: dict[str, Any], customer_s3: Any
) -> None:
    customer_s3.put_object(Bucket=tenant.account.bucket, Key="churn/e/output/model", Body=b"x")
    for step in (offboarding.remove_objects, lambda one: offboarding.remove_resources(one, "model")):
        step(wanted)
    assert offboarding.count_left(wanted) == 0
    customer_s3.put_object(Bucket=tenant.account.bucket, Key="churn/e/output/late", Body=b"x")
    assert offboarding.count_left(wanted) == 1
    late = tenant.account.endpoint("churn", "v20261122-170301-9f3c")
    customers["ListModels"] = {"Models": [{"ModelName": late}]}
    assert offboarding.count_left(wanted) == 2
    customers["ListAutoMLJobs"] = {
        "AutoMLJobSummaries": [
            {"AutoMLJobName": f"{tenant.prefix}-1", "AutoMLJobArn": "arn", "AutoMLJobStatus": "InProgress"}
        ]
    }
    assert offboarding.count_left(wanted) == 3


def test_a_resource_that_is_listed_again_after_its_removal_is_waited_for(
    tenant: Tenant, wanted: Offboarding, customers: dict[str, Any]
) -> None:
    name = tenant.account.endpoint("churn", "v20261122-170301-9f3c")
    customers["ListModels"] = {"Models": [{"ModelName": name}]}
    customers["DescribeModel"] = {"ModelArn": tenant.account.sagemaker_arn("model", name)}
    with pytest.raises(StillChanging, match=name):
        offboarding.remove_resources(wanted, "model")


def test_what_aws_cannot_delete_is_reported_although_the_account_lets_nobody_in(
    tenant: Tenant, wanted: Offboarding, run: Run, invoke: Invoke
) -> None:
    job = tenant.account.job(run.execution)
    row = {**run.as_document(), "upload": {"uploaded_at": "2026-11-22T17:03:01Z"}, "training": {"job_name": job}}
    registry.add_execution(run.tenant, run.execution, row)
    offboarding.note_remains(wanted)
    report = offboarding.conclude(wanted, complete=False)
    assert [row["arn"] for row in report[IMPOSSIBLE]] == [tenant.account.sagemaker_arn("automl-job", job)]


def test_a_report_that_was_altered_says_so(wanted: Offboarding) -> None:
    offboarding.conclude(wanted, complete=True)
    whole = reports.read(wanted.tenant, wanted.removal)
    assert whole is not None
    assert whole["altered"] is False
    evidence.put(keys.removed(wanted.tenant, wanted.removal, "arn"), {"arn": "arn", "fate": IMPOSSIBLE})
    altered = reports.read(wanted.tenant, wanted.removal)
    assert altered is not None
    assert altered["altered"] is True


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("ABORTED", "ExecutionStopped", "an operator stopped"),
        ("TIMED_OUT", "ExecutionTimedOut", "exceeded its time limit"),
        ("FAILED", "InternalFailure", "OutcomeNotRecorded"),
    ],
)
def test_an_execution_that_ran_no_failure_path_has_failed_by_a_name_that_operators_hear_of(
    accepted: Run, customers: dict[str, Any], customer_s3: Any, upload: Upload, status: str, code: str, said: str
) -> None:
    customers["DescribeAutoMLJobV2"] = {"AutoMLJobStatus": "Stopped"}
    outcome = rescue.rescue_training(upload, status)
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", code)
    assert said in outcome["error"]["message"]
    assert concerns_operators(outcome) is (status != "ABORTED")
    row = registry.require_execution(accepted.tenant, accepted.execution)
    assert (row["error"]["code"], row["announced"]) == (code, True)


def test_an_upload_that_waited_for_a_day_for_its_turn_has_failed(
    accepted: Run, tenant: Tenant, invoke: Invoke, event: Sample
) -> None:
    settings = ModelSettings("Churn?", newer_upload="queue")
    registry.update_execution(accepted.tenant, accepted.execution, {"settings": settings.as_document()})
    older = replace(accepted, execution="acme-churn-0000000000000000")
    row = {**older.as_document(), "upload": {"uploaded_at": "2026-11-22T17:00:00Z"}}
    registry.add_execution(older.tenant, older.execution, row)
    registry.take_turn(older, {"order": "2026-11-22T17:00:00Z", "stops": None}, None)
    state = event("take_turn") | {"run": accepted.as_document()}
    assert invoke("take_turn", state | {"waited_seconds": 24 * 3600 - 1})["is_turn"] is False
    with pytest.raises(TurnTimedOut, match="stop-older"):
        invoke("take_turn", state | {"waited_seconds": 24 * 3600})


def test_a_role_of_another_account_or_region_than_was_registered_is_named(tenant: Tenant, customer_s3: Any) -> None:
    ask = probe.Ask(assume(tenant, "tenantml-probe", session_policies.nothing()))
    probe._check_place(ask, tenant)
    with pytest.raises(WrongAccount, match=tenant.account_id):
        probe._check_place(ask, replace(tenant, account_id="333333333333"))
    with pytest.raises(WrongRegion, match="eu-central-1"):
        probe._check_place(ask, replace(tenant, region="eu-central-1"))


@pytest.mark.parametrize("before", ["InProgress", "Stopping"])
def test_a_job_that_is_slow_to_stop_is_waited_for(accepted: Run, customers: dict[str, Any], before: str) -> None:
    customers["DescribeAutoMLJobV2"] = {"AutoMLJobStatus": before}
    with pytest.raises(StillChanging, match="may still write"):
        removal.stop_training(accepted)
    customers["DescribeAutoMLJobV2"] = {"AutoMLJobStatus": "Stopped"}
    assert removal.stop_training(accepted).left_behind == []


def test_an_endpoint_that_does_not_come_up_is_waited_for_an_hour(
    accepted: Run, customers: dict[str, Any], invoke: Invoke, event: Sample
) -> None:
    customers["DescribeEndpoint"] = {"EndpointStatus": "Creating"}
    state = event("check_endpoint") | {"run": accepted.as_document()}
    assert invoke("check_endpoint", state | {"polls": 119}) == {"in_service": False, "larger": None}
    with pytest.raises(DeploymentTimedOut, match="still Creating"):
        invoke("check_endpoint", state | {"polls": 120})


def test_every_call_in_a_customers_account_is_on_its_receipt_the_first_one_too(
    accepted: Run, tenant: Tenant, customer_s3: Any
) -> None:
    session = assume(tenant, accepted.execution, session_policies.remove_objects(tenant.account, "churn/"))
    session.client("s3").list_objects_v2(Bucket=tenant.account.bucket, Prefix="churn/")
    found = receipts.read(tenant.tenant, accepted.execution)
    assert found is not None
    assert [(entry["action"], entry["outcome"]) for entry in found["entries"]] == [
        ("sts:AssumeRole", "OK"),
        ("s3:ListObjectsV2", "OK"),
    ]
    assert found["entries"][0]["resource"] == tenant.roles.training_access
    assert found["faults"] == []
