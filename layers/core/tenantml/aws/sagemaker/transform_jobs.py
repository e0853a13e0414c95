"""Batch transforms in the customer's account, and the model that each has for itself."""

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
from tenantml.aws.sagemaker.automl import ABSENT, tags_of
from tenantml.aws.sagemaker.endpoints import made_by
from tenantml.domain.names import CustomerAccount
from tenantml.domain.training.endpoint_rules import LOCAL_STORAGE
from tenantml.errors import NameTaken, QuotaExceeded, TransformRefused

ERRORS: Names = (
    IN_CUSTOMER_ACCOUNT | dict.fromkeys(QUOTA_USED_UP, QuotaExceeded) | dict.fromkeys(INVALID, TransformRefused)
)
PAYLOAD_MB = 6  # of one part: as much as an endpoint takes at once (`sizes.REAL_TIME_BYTES`)


def start(
    client: Any,
    account: CustomerAccount,
    name: str,
    execution: str,
    containers: list[dict[str, Any]],
    instance_type: str,
    folder: str,
    *,
    isolated: bool = False,
) -> None:
    """Create the batch's model and start its transform of what is in `folder` of the customer's bucket, or adopt those
    that this execution made earlier.

    Each object is one request, so that line breaks inside cells need no care (SplitType None: SageMaker API reference,
    "TransformInput"). The job reads and writes as the model's role (developer guide, "Batch transform").

    Raises:
        QuotaExceeded: no instance of this type is left in the customer's account.
        TransformRefused: SageMaker rejects one of them; the message carries its reason.
        CustomerAccessRevoked: the access role may no longer create them.
        NameTaken: a resource of this name is not ours.
    """
    key, uri = account.kms_key_arn, f"s3://{account.bucket}/{folder}"
    network: dict[str, Any] = {"VpcConfig": account.vpc_config} if account.vpc_config else {}
    if isolated:
        network["EnableNetworkIsolation"] = True
    has_volume_key = key and instance_type.split(".")[1] not in LOCAL_STORAGE
    model = {"ModelName": name, "Containers": containers, "ExecutionRoleArn": account.roles.training_execution}
    job = {
        "TransformJobName": name,
        "ModelName": name,
        "MaxPayloadInMB": PAYLOAD_MB,
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{uri}input/"}},
            "ContentType": "text/csv",
            "SplitType": "None",
        },
        "TransformOutput": {"S3OutputPath": f"{uri}output", "Accept": "text/csv"} | ({"KmsKeyId": key} if key else {}),
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": 1}
        | ({"VolumeKmsKeyId": key} if has_volume_key else {}),
    }
    steps = (("model", client.create_model, model | network), ("transform-job", client.create_transform_job, job))
    with named(ERRORS, f"the batch transform {name} could not be started in account {account.account_id}"):
        for kind, call, request in steps:
            try:
                call(**request, Tags=tags_of(account, execution))
            except AwsError as error:
                if "already exist" not in str(error) and code_of(error) not in RESOURCE_EXISTS:
                    raise
                if made_by(client, account.sagemaker_arn(kind, name)) != execution:
                    raise NameTaken(
                        f"a SageMaker {kind} {name} exists in account {account.account_id} and is not this batch's"
                    ) from error


def status(client: Any, name: str) -> tuple[str, str]:
    """Return the job's status and its failure reason, `(ABSENT, "")` when there is none.

    Raises:
        CustomerAccessRevoked: the access role may no longer describe it.
    """
    found = describe(client, name)
    return (ABSENT, "") if found is None else (found["TransformJobStatus"], found.get("FailureReason", ""))


def describe(client: Any, name: str) -> dict[str, Any] | None:
    """Return DescribeTransformJob's answer, None when there is no such job.

    Raises:
        CustomerAccessRevoked: the access role may no longer describe it.
    """
    with named(IN_CUSTOMER_ACCOUNT, f"the batch transform {name} could not be described"), absence(ABSENT_RESOURCE):
        answer: dict[str, Any] = client.describe_transform_job(TransformJobName=name)
        return answer
    return None


def stop(client: Any, name: str) -> str:
    """Stop the job if it runs; return its new status: `Stopping` until it has stopped, `Absent` when there is none.

    Raises:
        CustomerAccessRevoked: the access role may no longer stop it.
    """
    found, _ = status(client, name)
    if found != "InProgress":
        return found
    with named(IN_CUSTOMER_ACCOUNT, f"the batch transform {name} could not be stopped"):
        try:
            client.stop_transform_job(TransformJobName=name)
        except AwsError:  # an ended job cannot be stopped, and this one may have ended since it was described
            found, _ = status(client, name)
            if found == "InProgress":
                raise
            return found
    return "Stopping"
