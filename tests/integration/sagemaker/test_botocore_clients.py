"""Every paginator and waiter that botocore has for an operation of ours works: AWS writes both against SageMaker.

A new operation with one of either is taken in by itself, and fails here until its case exists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.loaders
import pytest
from botocore import xform_name
from botocore.exceptions import WaiterError

from local.sagemaker.service import OPERATIONS

_LOADER = botocore.loaders.Loader()
PAGINATED = sorted(_LOADER.load_service_model("sagemaker", "paginators-1")["pagination"].keys() & OPERATIONS.keys())
WAITERS: dict[str, str] = {
    name: waiter["operation"]
    for name, waiter in _LOADER.load_service_model("sagemaker", "waiters-2")["waiters"].items()
    if waiter["operation"] in OPERATIONS
}


def transform(account: Any, model: str, body: bytes) -> str:
    """Start a transform of one object; answers its name."""
    name = account.name("waited")
    account.s3.put_object(Bucket=account.bucket, Key=f"{name}/rows.csv", Body=body)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/{name}/"}
    account.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": f"s3://{account.bucket}/{name}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    return str(name)


@pytest.fixture(scope="module")
def furnished(account: Any) -> dict[str, Any]:
    """At least three of everything that is listed; the names that the cases need."""
    models = [account.model("one", Tags=[{"Key": "tenant", "Value": "acme"}]) for _ in range(3)]
    configs = [account.config(model) for model in models]
    endpoints = [account.endpoint(config) for config in configs]
    tuned = {"TabularJobConfig": {"TargetAttributeName": "y", "Mode": "HYPERPARAMETER_TUNING"}}
    jobs = [account.start(AutoMLProblemTypeConfig=tuned), account.start(), account.start()]
    finished = [account.finished(job) for job in jobs]
    transforms = [transform(account, models[0], b"1,2\n") for _ in range(3)]
    for name in transforms:
        account.until(
            lambda name=name: account.sagemaker.describe_transform_job(TransformJobName=name),
            lambda job: job["TransformJobStatus"] != "InProgress",
        )
    processed, *_, trained = (step["CandidateStepName"] for step in finished[0]["BestCandidate"]["CandidateSteps"])
    tagged = account.sagemaker.describe_model(ModelName=models[0])["ModelArn"]
    return {"model": models[0], "endpoint": endpoints[0], "job": jobs[0], "trained": trained, "arn": tagged} | {
        "failing": account.model("broken", environment={"BREAK": "1"}),
        "transform": transforms[0],
        "processed": processed,
    }


@pytest.mark.parametrize("operation", PAGINATED)
def test_pages_together_are_the_whole_list(account: Any, furnished: dict[str, Any], operation: str) -> None:
    required: dict[str, dict[str, Any]] = {
        "ListCandidatesForAutoMLJob": {"AutoMLJobName": furnished["job"]},
        "ListTags": {"ResourceArn": furnished["arn"]},
    }
    request = required.get(operation, {})
    size = {} if operation == "ListTags" else {"PageSize": 1}  # 50 is the least that ListTags takes
    paginator = account.sagemaker.get_paginator(xform_name(operation))
    (result,) = paginator.result_keys
    paged = [item for page in paginator.paginate(**request, PaginationConfig=size) for item in result.search(page)]
    whole = result.search(getattr(account.sagemaker, xform_name(operation))(**request, MaxResults=100))
    assert paged == whole
    assert len(whole) >= (1 if operation == "ListTags" else 2)


def _waits(account: Any, furnished: dict[str, Any]) -> dict[str, tuple[Callable[[], str], Callable[[], str]]]:
    """For each waiter, what makes a thing that gets there, and one that does not; both answer its name."""

    def removed() -> str:
        name = account.endpoint(account.config(furnished["model"]))
        account.sagemaker.delete_endpoint(EndpointName=name)
        return str(name)

    def failing() -> str:
        return str(account.endpoint(account.config(furnished["failing"])))

    return {
        "EndpointDeleted": (removed, failing),
        "EndpointInService": (lambda: furnished["endpoint"], failing),
        "TrainingJobCompletedOrStopped": (lambda: furnished["trained"], lambda: "nobody"),
        "ProcessingJobCompletedOrStopped": (lambda: furnished["processed"], lambda: "nobody"),
        "TransformJobCompletedOrStopped": (
            lambda: furnished["transform"],
            lambda: transform(account, furnished["model"], b"bad"),
        ),
    }


@pytest.mark.parametrize("name", sorted(WAITERS))
def test_a_waiter_ends_well_or_says_that_it_cannot(account: Any, furnished: dict[str, Any], name: str) -> None:
    good, bad = _waits(account, furnished)[name]
    waiter = account.sagemaker.get_waiter(xform_name(name))
    parameter = f"{WAITERS[name].removeprefix('Describe')}Name"
    often = {"Delay": 0.1, "MaxAttempts": 300}
    waiter.wait(**{parameter: good()}, WaiterConfig=often)
    with pytest.raises(WaiterError, match=r"terminal failure state"):
        waiter.wait(**{parameter: bad()}, WaiterConfig=often)
