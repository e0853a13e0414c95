"""The grant ledger: whatever happens, the bucket's policy is what the ledger says, after the standing statements."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import to_item
from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.services import grants, registry, reports

pytestmark = pytest.mark.usefixtures("standing_policy")

COPY, IN_PLACE = ModelSettings("y"), ModelSettings("y", delivery="in-place")


def policy(stack: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(platform("s3").get_bucket_policy(Bucket=stack["STAGING_BUCKET"])["Policy"])
    return {statement["Sid"]: statement for statement in found["Statement"]}


def ledger(stack: dict[str, str]) -> list[str]:
    items = platform("dynamodb").scan(TableName=stack["GRANTS_TABLE"])["Items"]
    return sorted(item["grant_id"]["S"] for item in items)


def give(run: Run, tenant: Tenant, stack: dict[str, str], settings: ModelSettings = COPY) -> str:
    return grants.grant(run, tenant.account, stack["STAGING_BUCKET"], f"{run.staging_folder}train.csv", settings)


def other(run: Run) -> Run:
    return Run(run.execution[:-1] + "x", run.tenant, run.model, run.version)


def test_a_grant_stands_beside_the_standing_statement_and_its_end_leaves_that(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    standing = policy(stack)
    assert list(standing) == ["TlsOnly"]
    give(run, tenant, stack)
    (grant,) = [statement for sid, statement in policy(stack).items() if sid != "TlsOnly"]
    assert grant["Condition"]["ArnEquals"] == {"aws:PrincipalArn": tenant.roles.training_access}
    assert grant["Resource"].endswith(f"{run.staging_folder}train.csv")
    assert grants.revoke(run.execution) == 1
    assert policy(stack) == standing
    assert ledger(stack) == []


def test_a_grant_for_training_in_place_lets_the_execution_role_read_and_list(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    give(run, tenant, stack, IN_PLACE)
    ours = [statement for sid, statement in policy(stack).items() if sid != "TlsOnly"]
    assert [statement["Action"] for statement in ours] == ["s3:GetObject", "s3:ListBucket"]
    for statement in ours:
        assert statement["Condition"]["ArnEquals"] == {"aws:PrincipalArn": tenant.roles.training_execution}


def test_granting_and_revoking_again_change_nothing(stack: dict[str, str], tenant: Tenant, run: Run) -> None:
    assert give(run, tenant, stack) == give(run, tenant, stack)
    assert len(ledger(stack)) == 1
    assert len(policy(stack)) == 2
    assert [grants.revoke(run.execution), grants.revoke(run.execution)] == [1, 0]


def test_two_executions_do_not_erase_each_others_grant(stack: dict[str, str], tenant: Tenant, run: Run) -> None:
    give(run, tenant, stack)
    give(other(run), tenant, stack)
    assert len(policy(stack)) == 3
    grants.revoke(run.execution)
    assert ledger(stack) == [other(run).execution]
    assert len(policy(stack)) == 2


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
    assert len(policy(stack)) == 2
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


def test_the_one_function_that_writes_the_policy_does_all_that_states_and_the_schedule_ask(
    stack: dict[str, str], tenant: Tenant, invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    sample, clock = event("write_bucket_policy"), {"source": "aws.events", "detail-type": "Scheduled Event"}
    execution = sample["run"]["execution"]
    invoke("accept_upload", event("accept_upload"))
    granting = sample | {"train": sample["train"] | {"bucket": stack["STAGING_BUCKET"]}}
    removal = reports.begin(Offboarding("acme"), tenant)
    for revoking in (
        {"state": "RevokeCopyAccess", "run": sample["run"]},
        {"state": "RevokeAccess", "execution": execution},
        {"state": "RevokeGrants", "offboarding": Offboarding("acme", removal=removal).as_document()},
    ):
        assert invoke("write_bucket_policy", granting) == {"grant": execution}
        assert invoke("write_bucket_policy", clock) == {"grants": []}
        assert ledger(stack) == [execution]
        invoke("write_bucket_policy", revoking)
        assert (ledger(stack), list(policy(stack))) == ([], ["TlsOnly"])
    report = reports.read("acme", removal)
    assert report
    assert [row["arn"] for row in report["removed"]] == [f"grant {execution}"]


def test_a_sweep_mends_a_policy_that_a_crash_left_behind_the_ledger(
    stack: dict[str, str], tenant: Tenant, run: Run
) -> None:
    give(run, tenant, stack)
    platform("dynamodb").delete_item(
        TableName=stack["GRANTS_TABLE"],
        Key=to_item({"bucket": stack["STAGING_BUCKET"], "grant_id": run.execution}),
    )
    grants.sweep()
    assert list(policy(stack)) == ["TlsOnly"]


def test_a_standing_statement_that_an_operator_adds_survives(stack: dict[str, str], tenant: Tenant, run: Run) -> None:
    give(run, tenant, stack)
    added = {
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444444444444:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{stack['STAGING_BUCKET']}/audit/*",
    }
    whole = {"Version": "2012-10-17", "Statement": [*policy(stack).values(), added]}
    platform("s3").put_bucket_policy(Bucket=stack["STAGING_BUCKET"], Policy=json.dumps(whole))
    give(other(run), tenant, stack)
    grants.revoke(run.execution)
    grants.revoke(other(run).execution)
    assert sorted(policy(stack)) == ["Auditors", "TlsOnly"]


def test_a_lock_whose_holder_died_ends_by_itself(stack: dict[str, str], tenant: Tenant, run: Run) -> None:
    platform("dynamodb").put_item(
        TableName=stack["GRANTS_TABLE"],
        Item=to_item(
            {
                "bucket": stack["STAGING_BUCKET"],
                "grant_id": grants.LOCK,
                "owner": "dead",
                "held_until": int(time.time()) - 1,
            }
        ),
    )
    give(run, tenant, stack)
    assert ledger(stack) == [run.execution]


@pytest.mark.parametrize("settings", [COPY, IN_PLACE])
def test_a_grant_ends_by_itself_if_nobody_takes_it_back(
    stack: dict[str, str], tenant: Tenant, run: Run, settings: ModelSettings
) -> None:
    give(run, tenant, stack, settings)
    for sid, statement in policy(stack).items():
        assert sid == "TlsOnly" or "DateLessThan" in statement["Condition"]
