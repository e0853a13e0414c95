"""What operators, the sweep and a roll-back do, with the permissions that the stack gives them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import REGION
from local.inventory import inventory
from tenantml.aws.sagemaker.automl import EXECUTION_TAG

if TYPE_CHECKING:
    from local.platform import Platform
    from tenantml_cli.tenant_api import Document
    from tests.e2e.conftest import Tenant

QUICK = {"target": "species", "max_candidates": 2}


@pytest.fixture(scope="module")
def tenant(newcomer: Callable[..., Tenant]) -> Tenant:
    return newcomer("cyberdyne")


@pytest.fixture(scope="module")
def live(tenant: Tenant, iris: Path) -> Document:
    """The execution of the version that answers."""
    ended = tenant.train("iris", iris, **QUICK)
    assert ended["error"] is None, ended
    return ended


@pytest.fixture(scope="module")
def operator(platform: Platform, person: Callable[..., dict[str, str]]) -> Callable[[str], Any]:
    """Clients of an operator who may also handle tenants' data."""
    credentials = person("otto", "OperatorGroup", "DataGroup")
    return lambda service: platform.cloud.client(service, credentials=credentials)


def sweep(platform: Platform) -> Document:
    """Do what the schedule does, and return what was swept."""
    named = {"StackName": platform.name, "LogicalResourceId": "SweepFunction"}
    found = platform.cloud.client("cloudformation").describe_stack_resource(**named)["StackResourceDetail"]
    answer = platform.cloud.client("lambda").invoke(FunctionName=found["PhysicalResourceId"], Payload=b"{}")
    swept: Document = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, swept
    return swept


def test_an_operator_limits_reads_holdouts_and_stops(
    tenant: Tenant, live: Document, operator: Callable[[str], Any], breast_cancer: Path
) -> None:
    outputs, s3, steps = tenant.platform.outputs, operator("s3"), operator("stepfunctions")
    limits = json.dumps({"tenant": "cyberdyne", "requests_per_second": 40}).encode()
    answer = operator("lambda").invoke(FunctionName=outputs["LimitTenantFunction"], Payload=limits)
    assert "FunctionError" not in answer, answer["Payload"].read()

    holdout = {"Bucket": outputs["StagingBucket"], "Key": f"cyberdyne/iris/{live['execution']}/holdout.csv"}
    assert s3.get_object(**holdout)["Body"].read().startswith(b"sepal length")
    large = {"Bucket": outputs["IngestBucket"], "Key": "cyberdyne/iris/large.csv"}
    s3.abort_multipart_upload(**large, UploadId=s3.create_multipart_upload(**large)["UploadId"])

    tenant.api.configure("cancer", {"target": "malignant"})
    key = tenant.api.upload("cancer", breast_cancer)
    deadline = time.monotonic() + 60
    while not ((found := tenant.api.execution_of(key)) and found["training"]):
        assert time.monotonic() < deadline, found
    machine = outputs["TrainingStateMachineArn"]
    running = steps.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    (arn,) = [row["executionArn"] for row in running if row["name"] == found["execution"]]
    steps.stop_execution(executionArn=arn)
    assert tenant.outcome(key)["error"]["code"] == "ExecutionStopped"


def test_a_version_that_cannot_be_deployed_is_rolled_back(
    tenant: Tenant, live: Document, iris: Path, tmp_path: Path
) -> None:
    """The customer's serving execution role trusts SageMaker for models, and for endpoints no more."""
    cloud = tenant.platform.cloud
    iam = cloud.client("iam", tenant.account_id)
    role = tenant.registered.roles.serving_execution.rsplit("/", 1)[-1]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    denied = {
        "Effect": "Deny",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*:*:endpoint/*"}},
    }
    weaker = json.dumps(trust | {"Statement": [*trust["Statement"], denied]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=weaker)
    try:
        ended = tenant.outcome(tenant.api.upload("iris", shutil.copy(iris, tmp_path / "again.csv")))
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))

    assert (ended["error"] or {}).get("code") == "DeploymentFailed", ended
    left = inventory(cloud, tenant.account_id)
    assert not [arn for arn in left if ":sagemaker:" in arn and ended["version"] in arn]
    assert len([arn for arn in left if ":sagemaker:" in arn and live["version"] in arn]) == 3


def test_the_sweep_removes_what_no_version_needs_and_nothing_else(tenant: Tenant, live: Document) -> None:
    before = inventory(tenant.platform.cloud, tenant.account_id)
    name = tenant.registered.account.endpoint("iris", "v20200102-030405-abcd")
    sagemaker = tenant.platform.cloud.client("sagemaker", tenant.account_id)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=tenant.registered.roles.serving_execution,
        Containers=sagemaker.describe_model(ModelName=live["endpoint"]["name"])["Containers"],
        Tags=[{"Key": EXECUTION_TAG, "Value": live["execution"]}],
    )

    swept = sweep(tenant.platform)

    assert f"arn:aws:sagemaker:{REGION}:{tenant.account_id}:model/{name}" in swept["orphans"]["removed"]
    assert inventory(tenant.platform.cloud, tenant.account_id) == before
