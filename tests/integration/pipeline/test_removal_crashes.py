"""A removal ends with nothing left and a whole report, whoever dies, whatever reply is lost, whatever runs twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.tenancy.removal_report import Offboarding, digest
from tenantml.services import registry, reports
from tenantml.settings import setting
from tests.integration.pipeline.faults import DyingInvoke, call, twice
from tests.integration.pipeline.machine import OFFBOARDING

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary
    from tests.integration.pipeline.machine import Machine

MachineOf = Callable[..., "Machine"]
Remove = Callable[[Callable[[str, Any], Any]], list[str]]


@pytest.fixture
def leaver(new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]) -> Customer:
    """A customer with a model that answers."""
    customer = new_customer()
    assert list(pipeline(customer, call))[-1] == "Live"
    return customer


@pytest.fixture
def remove(leaver: Customer, machine_of: MachineOf) -> Remove:
    """Walk through the removal of the customer, and return the states."""

    def remove(invoke: Callable[[str, Any], Any]) -> list[str]:
        return list(machine_of(leaver, invoke, OFFBOARDING).execute({"tenant": leaver.tenant.tenant}))

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


def test_the_reply_to_any_call_of_a_removal_may_be_lost(leaver: Customer, remove: Remove, boundary: Boundary) -> None:
    boundary.loses_replies = True
    assert remove(call)[-1] == "Removed"
    boundary.loses_replies = False
    assert_nothing_is_left(leaver)
    assert_the_report_is_whole(leaver)


def test_any_state_of_a_removal_may_run_twice(leaver: Customer, remove: Remove) -> None:
    assert remove(twice)[-1] == "Removed"
    assert_nothing_is_left(leaver)
    assert_the_report_is_whole(leaver)
