"""Batch transform, and the training jobs behind candidates.

Expectations: SageMaker developer guide, "Batch transform for inference"; API reference of CreateTransformJob.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def request(account: Any, model: str, prefix: str, **changes: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{account.bucket}/{prefix}"}
    return {
        "TransformJobName": account.name("transform"),
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{account.bucket}/scored", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def finished(account: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """The job's description when it has ended."""
    account.sagemaker.create_transform_job(**asked)
    return ended(account, asked["TransformJobName"])


def ended(account: Any, name: str) -> dict[str, Any]:
    return account.until(  # type: ignore[no-any-return]
        lambda: account.sagemaker.describe_transform_job(TransformJobName=name),
        lambda job: job["TransformJobStatus"] not in ("InProgress", "Stopping"),
    )


def answers(account: Any, key: str) -> list[dict[str, Any]]:
    body = account.s3.get_object(Bucket=account.bucket, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


@pytest.fixture(scope="module")
def model(account: Any) -> str:
    return account.model("first", "second")  # type: ignore[no-any-return]


@pytest.fixture
def folder(account: Any) -> str:
    """A prefix with two objects, one of them below a folder."""
    prefix = account.name("batch")
    account.s3.put_object(Bucket=account.bucket, Key=f"{prefix}/rows.csv", Body=b"1,2\n3,4\n5,6\n")
    account.s3.put_object(Bucket=account.bucket, Key=f"{prefix}/more/rows.csv", Body=b"7,8\n")
    return str(prefix)


def test_every_object_has_its_answers_below_the_output_path(account: Any, model: str, folder: str) -> None:
    job = finished(account, request(account, model, f"{folder}/"))
    assert job["TransformJobStatus"] == "Completed"
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    assert answers(account, "scored/rows.csv.out")[0]["bytes"] == len(b"1,2\n3,4\n5,6\n")  # as many as fit
    (one,) = answers(account, "scored/more/rows.csv.out")
    assert (one["artifacts"], one["bytes"]) == (["first", "second"], 4)


def test_single_records_are_sent_one_by_one(account: Any, model: str, folder: str) -> None:
    output = {"S3OutputPath": f"s3://{account.bucket}/single/{folder}", "AssembleWith": "Line"}
    asked = request(account, model, f"{folder}/rows.csv", BatchStrategy="SingleRecord", TransformOutput=output)
    assert finished(account, asked)["TransformJobStatus"] == "Completed"
    assert [answer["bytes"] for answer in answers(account, f"single/{folder}/rows.csv.out")] == [4, 4, 4]


def test_without_a_split_an_object_is_one_request_and_may_be_too_large(account: Any, model: str) -> None:
    prefix = account.name("large")
    account.s3.put_object(Bucket=account.bucket, Key=f"{prefix}/large.csv", Body=b"1,2\n" * 300_000)
    asked = request(account, model, prefix, MaxPayloadInMB=1)
    asked["TransformInput"].pop("SplitType")
    asked["TransformOutput"].pop("AssembleWith")
    job = finished(account, asked)
    assert job["TransformJobStatus"] == "Failed"
    assert "Too much data for max payload size" in job["FailureReason"]


def test_a_bad_record_costs_its_object_only_and_fails_the_job(account: Any, model: str) -> None:
    prefix = account.name("bad")
    account.s3.put_object(Bucket=account.bucket, Key=f"{prefix}/a.csv", Body=b"bad")  # the double refuses it
    account.s3.put_object(Bucket=account.bucket, Key=f"{prefix}/b.csv", Body=b"1,2\n")
    output = {"S3OutputPath": f"s3://{account.bucket}/partly/{prefix}", "AssembleWith": "Line"}
    job = finished(account, request(account, model, f"{prefix}/", TransformOutput=output))
    listed = account.s3.list_objects_v2(Bucket=account.bucket, Prefix=f"partly/{prefix}/")["Contents"]
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: the container answered 400")
    assert [item["Key"] for item in listed] == [f"partly/{prefix}/b.csv.out"]


def test_a_job_can_be_stopped_and_then_leaves_no_output(account: Any, model: str) -> None:
    prefix = account.name("slow")
    gate = Path(account.cloud.state_dir) / "tmp" / "release"
    gate.unlink(missing_ok=True)
    account.s3.put_object(Bucket=account.bucket, Key=f"{prefix}/slow.csv", Body=b"wait")
    asked = request(account, model, prefix)
    account.sagemaker.create_transform_job(**asked)
    name = asked["TransformJobName"]
    account.until(
        lambda: account.sagemaker.describe_transform_job(TransformJobName=name),
        lambda job: "TransformStartTime" in job,
    )
    account.sagemaker.stop_transform_job(TransformJobName=name)
    assert account.sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopping"
    gate.touch()  # the record that is being answered ends
    assert ended(account, name)["TransformJobStatus"] == "Stopped"
    assert "Contents" not in account.s3.list_objects_v2(Bucket=account.bucket, Prefix="scored/slow.csv")
    code, _ = account.refusal(account.sagemaker.stop_transform_job, TransformJobName=name)
    assert code == "ValidationException"


def test_jobs_are_listed_and_their_names_are_taken_for_ever(account: Any, model: str, folder: str) -> None:
    asked = request(account, model, f"{folder}/rows.csv")
    job = finished(account, asked)
    pages = account.sagemaker.get_paginator("list_transform_jobs").paginate(StatusEquals="Completed")
    assert job["TransformJobArn"] in {
        found["TransformJobArn"] for page in pages for found in page["TransformJobSummaries"]
    }
    code, _ = account.refusal(account.sagemaker.create_transform_job, **asked)
    assert code == "ResourceInUse"
    code, _ = account.refusal(account.sagemaker.describe_transform_job, TransformJobName="nobody")
    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DataProcessing": {"JoinSource": "Input"}}, "DataProcessing is not supported"),
        ({"ModelName": "nobody"}, "Could not find model"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    account: Any, model: str, folder: str, changes: dict[str, Any], reason: str
) -> None:
    code, message = account.refusal(account.sagemaker.create_transform_job, **request(account, model, folder) | changes)
    assert (code, reason in message) == ("ValidationException", True), message


def test_a_role_that_may_not_write_fails_the_job(account: Any, folder: str) -> None:
    role = account.role(objects=f"{account.bucket}/{folder}/*")
    account.iam.put_role_policy(
        RoleName=role.rsplit("/", 1)[-1],
        PolicyName="model",
        PolicyDocument=account.policy(
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{account.bucket}/models/*"}
        ),
    )
    account.model("one")  # puts the artefact there
    name = account.name("model")
    url = f"s3://{account.bucket}/models/one.tar.gz"
    container = {"Image": "image", "ModelDataUrl": url}
    account.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    job = finished(account, request(account, name, f"{folder}/rows.csv"))
    assert job["TransformJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]
