"""A tenant or a model is removed: what is left, what the report says, and what happens when it cannot be removed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.inventory import inventory
from local.onboard import apply_access_stack
from tenantml.domain.tenancy import removal_report
from tenantml_cli.errors import Failed, Refused
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from local.platform import Platform
    from tests.e2e.conftest import Tenant

QUICK = {"target": "species", "max_candidates": 2}


def name_of(role_arn: str) -> str:
    return role_arn.rsplit("/", 1)[-1]


def first_row(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    return [{name: float(value) for name, value in row.items() if name != "species"}]


def objects_of(tenant: Tenant) -> set[str]:
    """The ARNs of what is in the customer's bucket."""
    return {arn for arn in inventory(tenant.platform.cloud, tenant.account_id) if ":s3:::" in arn and "/" in arn}


def await_refusal(tenant: Tenant, dataset: Path) -> int | None:
    """Return the status of refused predictions; a warm process may know the key, and look for the version or for its
    endpoint, in vain, for five seconds.
    """
    passing = {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with pytest.raises(Refused) as refused:
            tenant.api.predict_rows("iris", first_row(dataset))
        if refused.value.status not in passing or time.monotonic() > deadline:
            return refused.value.status
        time.sleep(0.2)


def test_a_tenant_leaves_nothing_behind_and_the_report_survives_it(newcomer: Callable[..., Tenant], iris: Path) -> None:
    tenant = newcomer("initrode")
    platform, bucket_arn = tenant.platform, tenant.registered.account.bucket_arn
    empty = inventory(platform.cloud, tenant.account_id)
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    assert tenant.api.predict_rows("iris", first_row(iris))["version"] == ended["version"]
    told = {"url": "https://hooks.initrode.invalid/", "events": ["execution.ended"]}
    tenant.api.call("PUT", "/webhooks/ops", json.dumps(told).encode())
    tenant.api.call("POST", "/webhooks/ops/test")

    report = platform.offboard("initrode")

    assert report["status"] == "complete"
    assert inventory(platform.cloud, tenant.account_id) == empty
    endpoint = f"arn:aws:sagemaker:us-east-1:{tenant.account_id}:endpoint/{ended['endpoint']['name']}"
    removed = [row["arn"] for row in report["removed"]]
    assert endpoint in removed
    assert f"{bucket_arn}/*" in removed
    assert [row["arn"].rsplit("/", 1)[1] for row in report["impossible"]] == [ended["training"]["job_name"]]
    assert (report["kept"], report["remains"]) == ([], [])
    for bucket in ("IngestBucket", "StagingBucket"):
        left = platform.cloud.client("s3").list_object_versions(Bucket=platform.outputs[bucket], Prefix="initrode/")
        assert "Versions" not in left
    rows = platform.cloud.client("dynamodb").scan(TableName=platform.outputs["RegistryTable"])["Items"]
    assert not [row for row in rows if "initrode" in json.dumps(row)]
    assert await_refusal(tenant, iris) in {401, 403}

    assert platform.offboard("initrode")["digest"] == report["digest"]
    kept = platform.call("ShowEvidenceFunction", {"tenant": "initrode", "removal": report["removal"]})
    assert (kept["digest"], kept["altered"]) == (report["digest"], False)
    assert removal_report.digest({name: value for name, value in kept.items() if name != "altered"}) == kept["digest"]
    receipt = platform.call("ShowEvidenceFunction", {"tenant": "initrode", "receipt": ended["execution"]})
    assert receipt["count"] > 10
    assert receipt["faults"] == []


def test_removing_one_model_leaves_the_other_at_work(newcomer: Callable[..., Tenant], iris: Path) -> None:
    tenant = newcomer("piedpiper")
    ended = {model: tenant.train(model, iris, **QUICK) for model in ("iris", "iris-2")}
    assert [found["error"] for found in ended.values()] == [None, None], ended

    report = tenant.platform.offboard("piedpiper", "iris")

    assert (report["status"], report["model"]) == ("complete", "iris")
    left = inventory(tenant.platform.cloud, tenant.account_id)
    assert not [arn for arn in left if ended["iris"]["version"] in arn or "/iris/" in arn]
    assert len([arn for arn in left if ended["iris-2"]["version"] in arn]) == 3
    assert tenant.api.predict_rows("iris-2", first_row(iris))["version"] == ended["iris-2"]["version"]
    with pytest.raises(Refused) as refused:
        tenant.api.predict_rows("iris", first_row(iris))
    assert refused.value.status == 404
    again = tenant.train("iris", iris, **QUICK)
    assert again["error"] is None, again
    with pytest.raises(Failed) as failed:
        tenant.platform.offboard("piedpiper", "never-configured")
    assert failed.value.code == "NotFound"


def test_a_tenant_that_is_training_leaves_nothing_behind(newcomer: Callable[..., Tenant], breast_cancer: Path) -> None:
    tenant = newcomer("umbrella")
    cloud = tenant.platform.cloud
    empty = inventory(cloud, tenant.account_id)
    tenant.api.configure("cancer", {"target": "malignant"})
    key = tenant.api.upload("cancer", breast_cancer)
    tenant.execution(key, lambda document: document["training"])

    report = tenant.platform.offboard("umbrella")

    assert report["status"] == "complete"
    assert inventory(cloud, tenant.account_id) == empty
    (job,) = cloud.client("sagemaker", tenant.account_id).list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert job["AutoMLJobStatus"] == "Stopped"


def test_without_the_access_role_the_report_names_what_remains_and_the_removal_can_be_resumed(
    newcomer: Callable[..., Tenant], iris: Path
) -> None:
    tenant = newcomer("stark")
    platform = tenant.platform
    empty = inventory(platform.cloud, tenant.account_id)
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    iam = platform.cloud.client("iam", tenant.account_id)
    role = name_of(tenant.registered.roles.training_access)
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    nobody = json.dumps(trust).replace("111111111111", "999999999999")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=nobody)

    with pytest.raises(Failed) as failed:
        platform.offboard("stark")

    assert failed.value.code == "RemovalIncomplete"
    cause = json.loads(str(failed.value))
    assert cause["error"] == "CustomerAccessRevoked"
    name = ended["endpoint"]["name"]
    assert set(cause["remains"]) == {
        *(
            f"arn:aws:sagemaker:us-east-1:{tenant.account_id}:{kind}/{name}"
            for kind in ("endpoint", "endpoint-config", "model")
        ),
        f"{tenant.registered.account.bucket_arn}/iris/{ended['execution']}/*",
    }
    still_there = inventory(platform.cloud, tenant.account_id) - empty
    assert {arn for arn in cause["remains"] if ":sagemaker:" in arn} <= still_there
    shown = platform.call("ShowEvidenceFunction", {"tenant": "stark", "removal": cause["removal"]})
    assert (shown["status"], shown["counts"]["remains"]) == ("incomplete", 4)

    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    report = platform.offboard("stark")
    assert (report["status"], report["removal"], report["remains"]) == ("complete", cause["removal"], [])
    assert inventory(platform.cloud, tenant.account_id) == empty


def test_models_that_the_customer_keeps_answer_on_with_our_access_gone(
    newcomer: Callable[..., Tenant], iris: Path, tmp_path: Path
) -> None:
    tenant = newcomer("lexcorp")
    cloud, account = tenant.platform.cloud, tenant.registered.account
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    with iris.open(newline="", encoding="utf-8") as file:
        rows = [{name: value for name, value in row.items() if name != "species"} for row in csv.DictReader(file)][
            ::150
        ]
    asked = [{name: float(value) for name, value in row.items()} for row in rows]
    expected = [
        {name: row[name] for name in ("predicted_label", "probabilities")}
        for row in tenant.api.predict_rows("iris", asked)["predictions"]
    ]

    report = tenant.platform.offboard("lexcorp", keep=["models"])

    endpoint = account.sagemaker_arn("endpoint", ended["endpoint"]["name"])
    kept = {row["arn"]: row["reason"] for row in report["kept"]}
    assert (report["status"], report["remains"]) == ("complete", [])
    assert "the model iris answers on; " in kept[endpoint]
    assert " USD a month" in kept[endpoint]
    assert account.roles.serving_execution in kept
    assert not [row for row in report["removed"] if row["arn"] in kept]
    assert objects_of(tenant) == {arn for arn in kept if arn.startswith(f"{account.bucket_arn}/")}

    apply_access_stack(cloud.clients(tenant.account_id), {"NamePrefix": account.prefix, "HandedOver": "yes"})
    iam = cloud.client("iam", tenant.account_id)
    roles = [role["Arn"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    assert [arn for arn in roles if account.prefix in arn] == [account.roles.serving_execution]

    s3 = cloud.client("s3", tenant.account_id)
    s3.download_file(account.bucket, "iris/handover/client.py", str(tmp_path / "client.py"))
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    environment = {"PATH": os.environ["PATH"], **cloud.environment(tenant.account_id)}
    command = [sys.executable, "client.py", "rows.csv"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    answered = list(csv.DictReader(run.stdout.splitlines()))
    assert [row["predicted_label"] for row in answered] == [row["predicted_label"] for row in expected]
    for found, row in zip(answered, expected, strict=True):
        assert {name: float(found[name]) for name in row["probabilities"]} == pytest.approx(row["probabilities"])


@pytest.fixture
def tombstones(platform: Platform) -> Iterator[None]:
    """The stack as it is deployed with tombstones instead of nothing."""
    platform.set_parameters({"OffboardedRecords": "tombstone"})
    yield
    platform.set_parameters({"OffboardedRecords": "delete"})


def test_what_is_abandoned_is_named_and_a_tombstone_holds_its_id(
    newcomer: Callable[..., Tenant], iris: Path, tombstones: None
) -> None:
    tenant = newcomer("oscorp")
    platform = tenant.platform
    empty = inventory(platform.cloud, tenant.account_id)
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    iam = platform.cloud.client("iam", tenant.account_id)
    role = name_of(tenant.registered.roles.training_access)
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    iam.delete_role(RoleName=role)

    with pytest.raises(Failed, match="CustomerAccessRevoked"):
        platform.offboard("oscorp")
    report = platform.offboard("oscorp", abandon=True)

    assert (report["status"], report["counts"]["remains"]) == ("complete", 4)
    remains = {row["arn"]: row["reason"] for row in report["remains"]}
    name = ended["endpoint"]["name"]
    for kind in ("endpoint", "endpoint-config", "model"):
        arn = f"arn:aws:sagemaker:us-east-1:{tenant.account_id}:{kind}/{name}"
        assert remains[arn] == f"version {ended['version']}, live"
        assert arn in inventory(platform.cloud, tenant.account_id) - empty
    rows = platform.cloud.client("dynamodb").scan(TableName=platform.outputs["RegistryTable"])["Items"]
    left = [row for row in rows if "oscorp" in json.dumps(row)]
    assert {row["sk"]["S"].split("#")[0] for row in left} == {"ACCOUNT", "EXECUTION", "VERSION"}
    assert all("removed_at" in row for row in left)
    assert "species" not in json.dumps(left)
    assert "cloud-team@" not in json.dumps(left)
    again = {"tenant": "oscorp", "account_id": "494949494949", "region": "us-east-1", "contact": "ops@oscorp.example"}
    with pytest.raises(Refused) as refused:
        platform.call("RegisterTenantFunction", again)
    assert refused.value.code == "RegistrationConflict"
    assert platform.offboard("oscorp")["digest"] == report["digest"]


def test_a_request_that_cannot_be_understood_removes_nothing(acme: Tenant) -> None:
    for request, code in (
        ({"tenant": "acme", "keep": ["endpoints"]}, "InvalidOperation"),
        ({"tenant": "nobody"}, "TenantNotFound"),
    ):
        with pytest.raises(Failed) as failed:
            acme.platform.offboard(**request)
        assert failed.value.code == code
    assert isinstance(acme.api.call("GET", "/models")["models"], list)
