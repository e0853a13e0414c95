"""The grant ledger and its access points, as states and the schedule ask for them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.s3control.models import PAGINATION_MODEL

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import to_item
from tenantml.aws.s3 import access_points
from tenantml.domain.access.grant import access_point_name
from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.services import grants, registry, reports
from tests.integration.platform.conftest import SAAS
from tests.tenants import tenant_of

COPY, IN_PLACE = ModelSettings("y"), ModelSettings("y", delivery="in-place")


def policies(stack: dict[str, str]) -> list[list[dict[str, Any]]]:
    """The statements of each access point on the staging bucket."""
    names = sorted(access_points.names_on(SAAS, stack["STAGING_BUCKET"]))
    read = platform("s3control").get_access_point_policy
    return [json.loads(read(AccountId=SAAS, Name=name)["Policy"])["Statement"] for name in names]


def ledger(stack: dict[str, str]) -> list[str]:
    items = platform("dynamodb").scan(TableName=stack["GRANTS_TABLE"])["Items"]
    return sorted(item["grant_id"]["S"] for item in items)


def give(run: Run, tenant: Tenant, stack: dict[str, str], settings: ModelSettings = COPY) -> str:
    return grants.grant(run, tenant.account, stack["STAGING_BUCKET"], f"{run.staging_folder}train.csv", settings)


def other(run: Run) -> Run:
    return Run(run.execution[:-1] + "x", run.tenant, run.model, run.version)


def test_a_grant_is_an_access_point_of_its_own_and_leaves_the_buckets_policy_alone(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    give(run, tenant, stack)
    name = access_point_name(stack["STAGING_BUCKET"], run.execution)
    there = platform("s3control").get_access_point(AccountId=SAAS, Name=name)
    assert there["Bucket"] == stack["STAGING_BUCKET"]
    assert access_points.arn_of(SAAS, name) == there["AccessPointArn"]
    assert access_points.alias_of(SAAS, name) == there["Alias"]
    assert set(there["PublicAccessBlockConfiguration"].values()) == {True}
    [[statement]] = policies(stack)
    assert statement["Condition"]["ArnEquals"] == {"aws:PrincipalArn": tenant.roles.training_access}
    assert statement["Resource"] == f"{there['AccessPointArn']}/object/{run.staging_folder}train.csv"
    assert grants.revoke(run.execution) == 1
    assert (policies(stack), ledger(stack)) == ([], [])
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        platform("s3").get_bucket_policy(Bucket=stack["STAGING_BUCKET"])


def test_a_grant_for_training_in_place_lets_the_execution_role_read_and_list(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    give(run, tenant, stack, IN_PLACE)
    [ours] = policies(stack)
    assert [statement["Action"] for statement in ours] == ["s3:GetObject", "s3:ListBucket"]
    for statement in ours:
        assert statement["Condition"]["ArnEquals"] == {"aws:PrincipalArn": tenant.roles.training_execution}


def test_granting_and_revoking_again_change_nothing(stack: dict[str, str], tenant: Tenant, run: Run) -> None:
    assert give(run, tenant, stack) == give(run, tenant, stack)
    assert (len(ledger(stack)), len(policies(stack))) == (1, 1)
    assert [grants.revoke(run.execution), grants.revoke(run.execution)] == [1, 0]


def test_two_executions_have_an_access_point_each(stack: dict[str, str], tenant: Tenant, run: Run) -> None:
    assert give(run, tenant, stack) != give(other(run), tenant, stack)
    assert len(policies(stack)) == 2
    grants.revoke(run.execution)
    assert ledger(stack) == [other(run).execution]
    assert len(policies(stack)) == 1


def test_more_than_a_page_of_access_points_is_found(stack: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAGINATION_MODEL["list_access_points"], "limit_default", 2)
    names = {f"tml-{number:04d}" for number in range(5)}
    for name in names:
        platform("s3control").create_access_point(AccountId=SAAS, Name=name, Bucket=stack["STAGING_BUCKET"])
    assert access_points.names_on(SAAS, stack["STAGING_BUCKET"]) == names
    grants.sweep()  # no grant has them
    assert access_points.names_on(SAAS, stack["STAGING_BUCKET"]) == set()


def test_a_sweep_forgets_what_has_expired_and_keeps_what_has_not(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    give(run, tenant, stack)
    give(other(run), tenant, stack)
    platform("dynamodb").update_item(
        TableName=stack["GRANTS_TABLE"],
        Key=to_item({"bucket": stack["STAGING_BUCKET"], "grant_id": run.execution}),
        UpdateExpression="SET expires_at = :then",
        ExpressionAttributeValues=to_item({":then": int(time.time()) - 1}),
    )
    assert grants.sweep() == [run.execution]
    assert ledger(stack) == [other(run).execution]
    assert len(policies(stack)) == 1
    assert grants.sweep() == []


def test_a_sweep_forgets_the_grant_of_an_execution_that_has_ended(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    uploaded = {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}}
    for number, one in enumerate([run, other(run)]):
        give(one, tenant, stack)
        registry.add_execution(one.tenant, one.execution, uploaded)
        if number == 0:
            registry.end_execution(one.tenant, one.execution, {"status": "failed"} | uploaded)
    assert grants.sweep() == [run.execution]
    assert ledger(stack) == [other(run).execution]


def test_the_one_function_that_grants_does_all_that_states_and_the_schedule_ask(
    stack: dict[str, str], tenant: Tenant, invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    sample, clock = event("write_bucket_policy"), {"source": "aws.events", "detail-type": "Scheduled Event"}
    execution = sample["run"]["execution"]
    invoke("accept_upload", event("accept_upload"))
    granting = sample | {"train": sample["train"] | {"bucket": stack["STAGING_BUCKET"]}}
    removal = reports.begin(Offboarding("acme"), tenant)
    name = access_point_name(stack["STAGING_BUCKET"], execution)
    for revoking in (
        {"state": "RevokeCopyAccess", "run": sample["run"]},
        {"state": "RevokeAccess", "execution": execution},
        {"state": "RevokeGrants", "offboarding": Offboarding("acme", removal=removal).as_document()},
    ):
        assert invoke("write_bucket_policy", granting) == {"grant": execution}
        assert access_points.names_on(SAAS, stack["STAGING_BUCKET"]) == {name}
        assert invoke("write_bucket_policy", clock) == {"grants": []}
        assert ledger(stack) == [execution]
        invoke("write_bucket_policy", revoking)
        assert (ledger(stack), policies(stack)) == ([], [])
    report = reports.read("acme", removal)
    assert report
    assert [row["arn"] for row in report["removed"]] == [f"grant {execution}"]


def test_a_tenant_in_another_region_needs_no_grant_and_is_uploaded_to(
    stack: dict[str, str], invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    registry.add_tenant(tenant_of("acme", "222222222222", "eu-central-1", "c@acme.example", "tenantml-x", ACTIVE))
    registry.put_model("acme", "churn", ModelSettings("Churn?", max_upload_bytes=1_000_000))
    assert invoke("accept_upload", event("accept_upload"))["delivery"] == "upload"


@pytest.mark.parametrize("settings", [COPY, IN_PLACE])
def test_a_grant_ends_by_itself_if_nobody_takes_it_back(
    stack: dict[str, str], tenant: Tenant, run: Run, settings: ModelSettings
) -> None:
    begun = datetime.now(UTC)
    give(run, tenant, stack, settings)
    [statements] = policies(stack)
    ends = {datetime.fromisoformat(one["Condition"]["DateLessThan"]["aws:CurrentTime"]) for one in statements}
    hours = 6 + (settings.max_runtime_seconds / 3600 if settings is IN_PLACE else 0)
    assert {round((end - begun) / timedelta(hours=1), 1) for end in ends} == {round(hours, 1)}
