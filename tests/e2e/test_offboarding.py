"""A tenant or a model is removed: what is left, what the report says, and what happens when it cannot be removed."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.inventory import inventory
from local.tenant_api import Refused
from tenantml.domain import offboarding

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

QUICK = {"target": "species", "max_candidates": 2}
ROLE = "customer_trusting_saas"


def first_row(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    return [{name: float(value) for name, value in row.items() if name != "species"}]


def await_refusal(tenant: Tenant, dataset: Path) -> int | None:
    """Return the status of refused predictions; a warm process may look for the endpoint, in vain, for five seconds."""
    deadline = time.monotonic() + 20
    while True:
        with pytest.raises(Refused) as refused:
            tenant.api.predict_rows("iris", first_row(dataset))
        if refused.value.status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return refused.value.status
        time.sleep(0.2)


def test_a_tenant_leaves_nothing_behind_and_the_report_survives_it(newcomer: Callable[..., Tenant], iris: Path) -> None:
    tenant = newcomer("initech")
    platform = tenant.platform
    empty = inventory(platform.cloud, tenant.account_id)
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    assert tenant.api.predict_rows("iris", first_row(iris))["version"] == ended["version"]

    report = platform.offboard("initech")

    assert report["status"] == "complete"
    assert inventory(platform.cloud, tenant.account_id) == empty
    endpoint = f"arn:aws:sagemaker:us-east-1:{tenant.account_id}:endpoint/{ended['endpoint']['name']}"
    removed = [row["arn"] for row in report["removed"]]
    assert endpoint in removed
    assert f"arn:aws:s3:::tenantml-{tenant.account_id}-us-east-1/*" in removed
    assert [row["arn"].rsplit("/", 1)[1] for row in report["impossible"]] == [ended["training"]["job_name"]]
    assert (report["kept"], report["remains"]) == ([], [])
    for bucket in ("IngestBucket", "StagingBucket"):
        left = platform.cloud.client("s3").list_object_versions(Bucket=platform.outputs[bucket], Prefix="initech/")
        assert "Versions" not in left
    rows = platform.cloud.client("dynamodb").scan(TableName=platform.outputs["RegistryTable"])["Items"]
    assert not [row for row in rows if "initech" in json.dumps(row)]
    assert await_refusal(tenant, iris) in {401, 403}

    assert platform.offboard("initech")["digest"] == report["digest"]
    kept = platform.call("ShowEvidenceFunction", {"tenant": "initech", "removal": report["removal"]})
    assert (kept["digest"], kept["altered"]) == (report["digest"], False)
    assert offboarding.digest({name: value for name, value in kept.items() if name != "altered"}) == kept["digest"]
    receipt = platform.call("ShowEvidenceFunction", {"tenant": "initech", "receipt": ended["execution"]})
    assert receipt["count"] > 10
    assert receipt["faults"] == []


def test_removing_one_model_leaves_the_other_at_work(newcomer: Callable[..., Tenant], iris: Path) -> None:
    tenant = newcomer("hooli")
    ended = {model: tenant.train(model, iris, **QUICK) for model in ("iris", "iris-2")}
    assert [found["error"] for found in ended.values()] == [None, None], ended

    report = tenant.platform.offboard("hooli", "iris")

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
    with pytest.raises(Refused) as refused:
        tenant.platform.offboard("hooli", "never-configured")
    assert refused.value.code == "NotFound"


def test_a_tenant_that_is_training_leaves_nothing_behind(newcomer: Callable[..., Tenant], breast_cancer: Path) -> None:
    tenant = newcomer("umbrella")
    cloud = tenant.platform.cloud
    empty = inventory(cloud, tenant.account_id)
    tenant.api.configure("cancer", {"target": "malignant"})
    key = tenant.api.upload("cancer", breast_cancer)
    while not ((found := tenant.api.execution_of(key)) and found["training"]):
        pass

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
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    nobody = json.dumps(trust).replace("111111111111", "999999999999")
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=nobody)

    with pytest.raises(Refused) as refused:
        platform.offboard("stark")

    assert refused.value.code == "RemovalIncomplete"
    cause = json.loads(str(refused.value))
    assert cause["error"] == "CustomerAccessRevoked"
    name = ended["endpoint"]["name"]
    assert set(cause["remains"]) == {
        *(
            f"arn:aws:sagemaker:us-east-1:{tenant.account_id}:{kind}/{name}"
            for kind in ("endpoint", "endpoint-config", "model")
        ),
        f"arn:aws:s3:::tenantml-{tenant.account_id}-us-east-1/iris/{ended['execution']}/*",
    }
    still_there = inventory(platform.cloud, tenant.account_id) - empty
    assert {arn for arn in cause["remains"] if ":sagemaker:" in arn} <= still_there
    shown = platform.call("ShowEvidenceFunction", {"tenant": "stark", "removal": cause["removal"]})
    assert (shown["status"], shown["counts"]["remains"]) == ("incomplete", 4)

    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
    report = platform.offboard("stark")
    assert (report["status"], report["removal"], report["remains"]) == ("complete", cause["removal"], [])
    assert inventory(platform.cloud, tenant.account_id) == empty


def test_a_request_that_cannot_be_understood_removes_nothing(acme: Tenant) -> None:
    for request, code in (
        ({"tenant": "acme", "keep": ["endpoints"]}, "InvalidOperation"),
        ({"tenant": "nobody"}, "TenantNotFound"),
    ):
        with pytest.raises(Refused) as refused:
            acme.platform.offboard(**request)
        assert refused.value.code == code
    assert isinstance(acme.api._call("GET", "/models")["models"], list)
