"""Session policies: what one call into a customer's account may touch, on top of what the access role allows.

A session may do what both the role and this policy allow (IAM user guide, "Session policies"), so each names the one
job, endpoint or prefix at hand. At most 2,048 characters each.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.names import CustomerAccount


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def deliver(account: CustomerAccount, folder: str, source_arn: str | None) -> dict[str, Any]:
    """Write the training set under `folder` of the customer's bucket; read `source_arn` when the copy is made by
    this session.
    """
    target = _allow(
        ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        f"arn:aws:s3:::{account.bucket}/{folder}*",
    )
    return (
        _policy(target, _allow(["s3:GetObject", "s3:GetObjectVersion"], source_arn)) if source_arn else _policy(target)
    )


def train(account: CustomerAccount, job: str) -> dict[str, Any]:
    """Start, watch and stop one AutoML job, and pass it the execution role."""
    return _policy(
        _allow(
            [
                "sagemaker:CreateAutoMLJobV2",
                "sagemaker:DescribeAutoMLJobV2",
                "sagemaker:StopAutoMLJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            account.sagemaker_arn("automl-job", job),
        ),
        _allow(["sagemaker:ListCandidatesForAutoMLJob"], "*"),  # no resource level (Service Authorization Reference)
        _allow(["iam:PassRole"], account.execution_role_arn),
    )


def deploy(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Create, watch and delete one version's model, endpoint configuration and endpoint."""
    verbs = ("Create", "Describe", "Delete")
    return _policy(
        _allow(
            [f"sagemaker:{verb}Model" for verb in verbs] + ["sagemaker:AddTags", "sagemaker:ListTags"],
            account.sagemaker_arn("model", endpoint),
        ),
        _allow(
            [f"sagemaker:{verb}EndpointConfig" for verb in verbs] + ["sagemaker:AddTags", "sagemaker:ListTags"],
            account.sagemaker_arn("endpoint-config", endpoint),
        ),
        _allow(
            [f"sagemaker:{verb}Endpoint" for verb in verbs] + ["sagemaker:AddTags", "sagemaker:ListTags"],
            account.sagemaker_arn("endpoint", endpoint),
            account.sagemaker_arn("endpoint-config", endpoint),
        ),
        _allow(["iam:PassRole"], account.execution_role_arn),
    )


def predict(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Invoke one endpoint."""
    return _policy(_allow(["sagemaker:InvokeEndpoint"], account.sagemaker_arn("endpoint", endpoint)))


def remove_objects(account: CustomerAccount, folder: str) -> dict[str, Any]:
    """List and delete what lies under `folder` of the customer's bucket; an empty folder means the whole of it."""
    listing = _allow(["s3:ListBucket", "s3:ListBucketVersions"], f"arn:aws:s3:::{account.bucket}")
    if folder:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{folder}*"]}}
    return _policy(
        listing, _allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], f"arn:aws:s3:::{account.bucket}/{folder}*")
    )


def inventory(account: CustomerAccount) -> dict[str, Any]:
    """List and delete whatever of ours is left, for off-boarding."""
    kinds = ("Model", "EndpointConfig", "Endpoint")
    arns = [
        account.sagemaker_arn(kind, "tenantml-*") for kind in ("model", "endpoint-config", "endpoint", "automl-job")
    ]
    return _policy(
        _allow(
            [
                "sagemaker:ListModels",
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListAutoMLJobs",
            ],
            "*",
        ),
        _allow(
            [f"sagemaker:{verb}{kind}" for kind in kinds for verb in ("Describe", "Delete")]
            + ["sagemaker:DescribeAutoMLJobV2", "sagemaker:StopAutoMLJob"],
            *arns,
        ),
        _allow(["s3:ListBucket", "s3:ListBucketVersions"], f"arn:aws:s3:::{account.bucket}"),
        _allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], f"arn:aws:s3:::{account.bucket}/*"),
    )


def probe() -> dict[str, Any]:
    """Nothing but asking who one is: enough to see whether the role can be assumed."""
    return _policy(_allow(["sts:GetCallerIdentity"], "*"))
