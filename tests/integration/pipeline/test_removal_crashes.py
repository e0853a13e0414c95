"""A removal ends with nothing left and a whole report, whoever dies, whatever reply is lost, whatever runs twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.tenancy.removal_report import Offboarding, digest
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.services import registry, reports
from tenantml.settings import setting
from tests.integration.pipeline.faults import DyingInvoke, call, twice
from tests.integration.pipeline.machine import OFFBOARDING

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary
    from tests.integration.pipeline.machine import Machine

MachineOf = Callable[..., "Machine"]
Remove = Callable[..., list[str]]


@pytest.fixture
def leaver(new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]) -> Customer:
    """A customer with a model that answers."""
    customer = new_customer()
    assert list(pipeline(customer, call))[-1] == "Live"
    return customer


@pytest.fixture
def remove(leaver: Customer, machine_of: MachineOf) -> Remove:
    """Walk through the removal of the customer, and return the states."""

    def remove(invoke: Callable[[str, Any], Any], **options: Any) -> list[str]:
        return list(machine_of(leaver, invoke, OFFBOARDING).execute({"tenant": leaver.tenant.tenant} | options))

    return remove


def assert_nothing_is_left(leaver: Customer) -> None:
    tenant, sagemaker = leaver.tenant.tenant, leaver.client("sagemaker")
    assert [endpoints.names(sagemaker, kind, f"{leaver.tenant.prefix}-") for kind in endpoints.KINDS] == [[], [], []]
    assert "Versions" not in leaver.client("s3").list_object_versions(Bucket=leaver.tenant.account.bucket)
    for bucket in (setting("STAGING_BUCKET"), setting("INGEST_BUCKET")):
        assert "Versions" not in platform("s3").list_object_versions(Bucket=bucket, Prefix=f"{tenant}/")
    rows = platform("dynamodb").scan(TableName=setting("REGISTRY_TABLE"))["Items"]
    assert [row for row in rows if tenant in json.dumps(row)] == []


def assert_the_report_is_whole(leaver: Customer) -> None:
    head = reports.latest(Offboarding(leaver.tenant.tenant), None, ended=True)
    assert head
    report = reports.read(leaver.tenant.tenant, head["removal"])
    assert (report["status"], report.pop("altered"), digest(report)) == ("complete", False, report["digest"])
    account, tenant = leaver.tenant.account, leaver.tenant.tenant
    assert {row["arn"] for row in report["removed"]} == {
        *(
            account.sagemaker_arn(kind, account.endpoint(leaver.run.model, leaver.run.version))
            for kind in endpoints.KINDS
        ),
        f"arn:aws:s3:::{account.bucket}/*",
        f"arn:aws:s3:::{setting('STAGING_BUCKET')}/{tenant}/*",
        f"arn:aws:s3:::{setting('INGEST_BUCKET')}/{tenant}/*",
        f"registry rows of {tenant}/",
    }
    (job,) = report["impossible"]
    assert job["arn"] == leaver.tenant.account.sagemaker_arn(
        "automl-job", leaver.tenant.account.job(leaver.run.execution)
    )
    assert (report["remains"], report["kept"]) == ([], [])


def test_a_process_may_die_at_any_call_of_a_removal(
    leaver: Customer, new_customer: Callable[..., Customer], remove: Remove, boundary: Boundary
) -> None:
    other = new_customer()
    invoke = DyingInvoke(boundary)
    assert remove(invoke)[-1] == "Removed"
    assert len(invoke.deaths) > 8  # it has looked
    assert_nothing_is_left(leaver)
    assert_the_report_is_whole(leaver)
    assert registry.find_tenant(other.tenant.tenant) == other.tenant


@pytest.mark.explore
def test_the_reply_to_any_call_of_a_removal_may_be_lost(leaver: Customer, remove: Remove, boundary: Boundary) -> None:
    boundary.loses_replies = True
    assert remove(call)[-1] == "Removed"
    boundary.loses_replies = False
    assert_nothing_is_left(leaver)
    assert_the_report_is_whole(leaver)


@pytest.mark.explore
def test_any_state_of_a_removal_may_run_twice(leaver: Customer, remove: Remove) -> None:
    assert remove(twice)[-1] == "Removed"
    assert_nothing_is_left(leaver)
    assert_the_report_is_whole(leaver)


@pytest.mark.parametrize("invoke", [call, twice], ids=["once", "twice"])
def test_a_model_that_is_kept_answers_on_and_the_report_says_what_stays(
    leaver: Customer, remove: Remove, invoke: Callable[[str, Any], Any]
) -> None:
    account, s3, sagemaker = leaver.tenant.account, leaver.client("s3"), leaver.client("sagemaker")
    name, run = account.endpoint(leaver.run.model, leaver.run.version), leaver.run
    files = sagemaker.describe_model(ModelName=name)["Containers"]
    s3.put_object(Bucket=account.bucket, Key="churn/left-over", Body=b"x")
    registry.put_model(run.tenant, "never-trained", ModelSettings("y"))
    assert remove(invoke, keep=["models"])[-1] == "Removed"

    assert [endpoints.names(sagemaker, kind, f"{account.prefix}-") for kind in endpoints.KINDS] == [[name]] * 3
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    left = {row["Key"] for row in s3.list_object_versions(Bucket=account.bucket)["Versions"]}
    loaded = {item["ModelDataUrl"].removeprefix(f"s3://{account.bucket}/") for item in files}
    written = {f"{run.model}/handover/{file}" for file in ("README.md", "client.py")}
    assert left == loaded | written
    page = s3.get_object(Bucket=account.bucket, Key=f"{run.model}/handover/README.md")["Body"].read().decode()
    assert "USD a month: 1 x ml." in page
    client = s3.get_object(Bucket=account.bucket, Key=f"{run.model}/handover/client.py")["Body"].read().decode()
    compile(client, "client.py", "exec")
    assert repr(name) in client

    head = reports.latest(Offboarding(leaver.tenant.tenant), None, ended=True)
    assert head
    report = reports.read(leaver.tenant.tenant, head["removal"])
    assert (report["status"], report["kept_on_wish"], report["remains"]) == ("complete", ["models"], [])
    gone = {row["arn"]: row.get("reason") for row in report["removed"]}
    assert gone["model never-trained"] == "not kept, for no version of it answered"
    reasons = {row["arn"]: row["reason"] for row in report["kept"]}
    assert reasons.keys() == {
        *(account.sagemaker_arn(kind, name) for kind in endpoints.KINDS),
        *(f"{account.bucket_arn}/{key}" for key in left),
        account.roles.serving_execution,
    }
    assert "answers on" in reasons[account.sagemaker_arn("endpoint", name)]
    assert "USD a month" in reasons[account.sagemaker_arn("endpoint", name)]
    assert "HandedOver=yes" in reasons[account.roles.serving_execution]
    rows = platform("dynamodb").scan(TableName=setting("REGISTRY_TABLE"))["Items"]
    assert [row for row in rows if leaver.tenant.tenant in json.dumps(row)] == []
    for bucket in (setting("STAGING_BUCKET"), setting("INGEST_BUCKET")):
        assert "Versions" not in platform("s3").list_object_versions(Bucket=bucket, Prefix=f"{leaver.tenant.tenant}/")


def test_a_model_alone_cannot_be_kept(leaver: Customer, remove: Remove) -> None:
    assert remove(call, model=leaver.run.model, keep=["models"])[-1] == "Refused"
    assert registry.find_model(leaver.tenant.tenant, leaver.run.model)


def test_models_are_not_removed_by_a_wish_to_keep_them_when_none_would_stay(leaver: Customer, remove: Remove) -> None:
    run = leaver.run
    registry.pause(run.tenant, run.model, "an operator")
    assert remove(call, keep=["models"])[-1] == "Refused"
    assert registry.get_tenant(run.tenant).status == "active"
    assert registry.find_model(run.tenant, run.model)
    assert reports.latest(Offboarding(run.tenant), None, ended=False) is None


def test_artefacts_that_are_kept_stay_and_no_endpoint_does(leaver: Customer, remove: Remove) -> None:
    account, s3, sagemaker = leaver.tenant.account, leaver.client("s3"), leaver.client("sagemaker")
    before = {row["Key"] for row in s3.list_object_versions(Bucket=account.bucket)["Versions"]}
    assert remove(call, keep=["artefacts"])[-1] == "Removed"
    assert {row["Key"] for row in s3.list_object_versions(Bucket=account.bucket)["Versions"]} == before
    assert [endpoints.names(sagemaker, kind, f"{account.prefix}-") for kind in endpoints.KINDS] == [[], [], []]
    head = reports.latest(Offboarding(leaver.tenant.tenant), None, ended=True)
    assert head
    (kept,) = reports.read(leaver.tenant.tenant, head["removal"])["kept"]
    assert (kept["arn"], kept["reason"]) == (f"{account.bucket_arn}/*", "the customer wants to keep the artefacts")
