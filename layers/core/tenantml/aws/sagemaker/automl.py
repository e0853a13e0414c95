"""SageMaker Autopilot in the customer's account."""

from __future__ import annotations

from typing import Any

from tenantml.aws.error_codes import (
    ABSENT_RESOURCE,
    IN_CUSTOMER_ACCOUNT,
    INVALID,
    QUOTA_USED_UP,
    RESOURCE_EXISTS,
    AwsError,
    Names,
    absence,
    code_of,
    named,
)
from tenantml.domain.names import CustomerAccount
from tenantml.domain.pricing.costs import PROCESSING_STEP, TRAINING_STEP, TRANSFORM_STEP
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import NameTaken, QuotaExceeded, TrainingRefused

ERRORS: Names = (
    IN_CUSTOMER_ACCOUNT | dict.fromkeys(QUOTA_USED_UP, QuotaExceeded) | dict.fromkeys(INVALID, TrainingRefused)
)
EXECUTION_TAG = "tenantml:execution"
TENANT_TAG = "tenantml:tenant"  # the same on everything, for the customer's Cost Explorer
ABSENT = "Absent"  # our own status for a job that does not exist


def start(
    client: Any,
    account: CustomerAccount,
    job: str,
    execution: str,
    settings: ModelSettings,
    mode: str,
    training_uri: str,
    output_uri: str,
) -> str:
    """Start the AutoML job, or adopt the one of this name if it is this execution's; return the job's ARN.

    The job uses the customer's own key for its volumes and artefacts, and runs in the customer's own network, if any.
    Completion criteria are always sent: without them a job may run 30 days and 250 candidates at the customer's cost.

    Raises:
        QuotaExceeded: the account runs as many jobs as it may.
        TrainingRefused: SageMaker rejects the request, or cannot yet use the role or the dataset that it names.
        CustomerAccessRevoked: the access role may no longer start jobs.
        NameTaken: a job of this name exists and is not ours.
    """
    tabular: dict[str, Any] = {
        "TargetAttributeName": settings.target,
        "Mode": mode,
        "CompletionCriteria": {
            "MaxCandidates": settings.max_candidates,
            "MaxAutoMLJobRuntimeInSeconds": settings.max_runtime_seconds,
        },
    }
    key = account.kms_key_arn
    request: dict[str, Any] = {
        "AutoMLJobName": job,
        "AutoMLJobInputDataConfig": [
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "CompressionType": "None",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": training_uri}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": output_uri} | ({"KmsKeyId": key} if key else {}),
        "AutoMLProblemTypeConfig": {"TabularJobConfig": tabular},
        "RoleArn": account.roles.training_execution,
        "Tags": tags_of(account, execution),
    }
    if account.job_security:
        request["SecurityConfig"] = account.job_security
    if settings.problem_type:
        tabular["ProblemType"] = settings.problem_type
        request["AutoMLJobObjective"] = {"MetricName": settings.objective}
    with named(ERRORS, f"the AutoML job {job} could not be started in account {account.account_id}"):
        try:
            arn: str = client.create_auto_ml_job_v2(**request)["AutoMLJobArn"]
        except AwsError as error:
            if code_of(error) not in RESOURCE_EXISTS:
                raise
            existing = client.describe_auto_ml_job_v2(AutoMLJobName=job)
            arn = existing["AutoMLJobArn"]
            tags = {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}
            inputs = existing["AutoMLJobInputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
            if tags.get(EXECUTION_TAG) != execution or inputs != training_uri:
                raise NameTaken(
                    f"an AutoML job {job} exists in account {account.account_id} and is not this execution's"
                ) from error
    return arn


def tags_of(account: CustomerAccount, execution: str) -> list[dict[str, str]]:
    """Return the tags of what an execution creates: by the first we know it again, by the second costs are added up."""
    return [{"Key": EXECUTION_TAG, "Value": execution}, {"Key": TENANT_TAG, "Value": account.tenant}]


def describe(client: Any, job: str) -> dict[str, Any]:
    """Return DescribeAutoMLJobV2's answer.

    Raises:
        CustomerAccessRevoked: the access role may no longer describe jobs.
    """
    with named(IN_CUSTOMER_ACCOUNT, f"the AutoML job {job} could not be described"):
        answer: dict[str, Any] = client.describe_auto_ml_job_v2(AutoMLJobName=job)
    return answer


def candidates(client: Any, job: str) -> list[dict[str, Any]]:
    """Return every candidate of the job, as SageMaker describes them.

    Raises:
        CustomerAccessRevoked: the access role may no longer list candidates.
    """
    with named(IN_CUSTOMER_ACCOUNT, f"the candidates of {job} could not be listed"):
        pages = client.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
        return [candidate for page in pages for candidate in page["Candidates"]]


def step(client: Any, kind: str, name: str) -> dict[str, Any] | None:
    """Return what SageMaker answers of the job behind a step of a candidate, None when there is none of this name.

    Raises:
        CustomerAccessRevoked: the access role may not describe jobs of this kind.
        CustomerThrottled: AWS did not answer.
    """
    describe, member = {
        TRAINING_STEP: (client.describe_training_job, "TrainingJobName"),
        PROCESSING_STEP: (client.describe_processing_job, "ProcessingJobName"),
        TRANSFORM_STEP: (client.describe_transform_job, "TransformJobName"),
    }[kind]
    with named(IN_CUSTOMER_ACCOUNT, f"{name} could not be described"), absence(ABSENT_RESOURCE):
        answer: dict[str, Any] = describe(**{member: name})
        return answer
    return None


def stop(client: Any, job: str) -> str:
    """Stop the job if it runs; return its new status: `Stopping` until it has stopped, `Absent` when there is none.

    Raises:
        CustomerAccessRevoked: the access role may no longer stop jobs.
    """
    with named(IN_CUSTOMER_ACCOUNT, f"the AutoML job {job} could not be stopped"):
        status: str = ABSENT
        with absence(ABSENT_RESOURCE):
            status = client.describe_auto_ml_job_v2(AutoMLJobName=job)["AutoMLJobStatus"]
        if status != "InProgress":
            return status
        try:
            client.stop_auto_ml_job(AutoMLJobName=job)
        except AwsError:  # an ended job cannot be stopped, and this one may have ended since it was described
            status = client.describe_auto_ml_job_v2(AutoMLJobName=job)["AutoMLJobStatus"]
            if status == "InProgress":
                raise
            return status
        return "Stopping"
