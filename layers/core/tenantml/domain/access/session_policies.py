"""Session policies: what one call into a customer's account may touch, on top of what the access role allows.

A session may do what both the role and this policy allow (IAM user guide, "Session policies"), so each names just
one job, endpoint or prefix. At most 2,048 characters each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenantml.domain.names import CustomerAccount, dns_suffix_of

REMOVE_OBJECTS = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"]

SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
SCALING_ROLE = f"aws-service-role/{SCALING_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"

# Permissions without a resource level (Service Authorization Reference, SageMaker, S3 and Service Quotas).
WITHOUT_RESOURCE = {
    "s3:ListAllMyBuckets",
    "servicequotas:ListServiceQuotas",
    "sagemaker:ListAutoMLJobs",
    "sagemaker:ListCandidatesForAutoMLJob",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListModels",
}


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _by_s3(actions: list[str], key_arn: str) -> list[dict[str, Any]]:
    """Return the use of a KMS key through S3, in the key's region, and nothing without a key."""
    if not key_arn:
        return []
    via_s3 = {"StringEquals": {"kms:ViaService": f"s3.{key_arn.split(':')[3]}.{dns_suffix_of(key_arn.split(':')[3])}"}}
    return [_allow(actions, key_arn) | {"Condition": via_s3}]


def deliver(
    account: CustomerAccount, folder: str, source_arns: Sequence[str] = (), source_key_arn: str = ""
) -> dict[str, Any]:
    """Write the training set under `folder` of the customer's bucket; read `source_arns`, which may be encrypted with
    our `source_key_arn`, when this session makes the copy.

    Parts of an encrypted upload are decrypted to be put together (S3 user guide, "Multipart upload API and
    permissions").
    """
    target = _allow(
        ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        f"{account.bucket_arn}/{folder}*",
    )
    listing = _allow(["s3:ListBucket"], account.bucket_arn)
    listing["Condition"] = {"StringLike": {"s3:prefix": [f"{folder}*"]}}
    unfinished = _allow(["s3:ListBucketMultipartUploads"], account.bucket_arn)
    source = [_allow(["s3:GetObject", "s3:GetObjectVersion"], *source_arns)] if source_arns else []
    keys = _by_s3(["kms:GenerateDataKey", "kms:Decrypt"], account.kms_key_arn)
    return _policy(
        target, listing, unfinished, *source, *keys, *_by_s3(["kms:Decrypt"], source_key_arn if source else "")
    )


def train(account: CustomerAccount, job: str) -> dict[str, Any]:
    """Start, watch and stop one AutoML job, pass it its role, and read the quotas that it runs under."""
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
        # No resource level (Service Authorization Reference).
        _allow(["sagemaker:ListCandidatesForAutoMLJob", "servicequotas:ListServiceQuotas"], "*"),
        _allow(["iam:PassRole"], account.roles.training_execution),
    )


def measure_training(account: CustomerAccount) -> dict[str, Any]:
    """Read what AWS bills of the jobs behind Autopilot's candidates, whose names begin like their AutoML job's
    (by public examples; no page of AWS says so).
    """
    return _policy(
        *(
            _allow(
                [f"sagemaker:Describe{what}Job"], account.sagemaker_arn(f"{what.lower()}-job", f"{account.prefix}-*")
            )
            for what in ("Training", "Processing", "Transform")
        ),
        _allow(["sagemaker:ListCandidatesForAutoMLJob"], "*"),  # no resource level
    )


def quotas() -> dict[str, Any]:
    """Read how much of SageMaker the account may use."""
    return _policy(_allow(["servicequotas:ListServiceQuotas"], "*"))  # no resource level


def deploy(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Create, watch and delete one version's model, endpoint configuration and endpoint; let the endpoint's volumes use
    the customer's key.

    CreateEndpoint creates a grant on the key with its caller's rights (SageMaker developer guide, "Amazon SageMaker API
    permissions"); a job's is created with the execution role's.
    """
    verbs = ("Create", "Describe", "Delete")
    grant = _allow(["kms:CreateGrant"], account.kms_key_arn)
    grant["Condition"] = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return _policy(
        _allow(
            [f"sagemaker:{verb}Model" for verb in verbs] + ["sagemaker:AddTags", "sagemaker:ListTags"],
            account.sagemaker_arn("model", endpoint),
        ),
        # CreateEndpoint is asked for the endpoint and for its configuration.
        _allow(
            [f"sagemaker:{verb}EndpointConfig" for verb in verbs]
            + ["sagemaker:CreateEndpoint", "sagemaker:AddTags", "sagemaker:ListTags"],
            account.sagemaker_arn("endpoint-config", endpoint),
        ),
        _allow(
            [f"sagemaker:{verb}Endpoint" for verb in verbs] + ["sagemaker:AddTags", "sagemaker:ListTags"],
            account.sagemaker_arn("endpoint", endpoint),
        ),
        _allow(["iam:PassRole"], account.roles.serving_execution),
        *([grant] if account.kms_key_arn else []),
    )


def look_at(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Describe one endpoint."""
    return _policy(_allow(["sagemaker:DescribeEndpoint"], account.sagemaker_arn("endpoint", endpoint)))


def scale(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Let one endpoint scale.

    A scalable target's ARN holds an id and no name; who asks for one needs what Application Auto Scaling does with it
    (its user guide, "Identity-based policy examples", "Permissions validation for API calls on target resources").
    """
    at = f"{account.region}:{account.account_id}"
    role_arn = f"arn:{account.partition}:iam::{account.account_id}:role/{SCALING_ROLE}"
    role = _allow(["iam:CreateServiceLinkedRole"], role_arn)
    role["Condition"] = {"StringEquals": {"iam:AWSServiceName": SCALING_SERVICE}}
    return _policy(
        _scaling(account, "RegisterScalableTarget", "PutScalingPolicy"),
        _allow(
            ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
            account.sagemaker_arn("endpoint", endpoint),
        ),
        _allow(["sagemaker:DescribeEndpointConfig"], account.sagemaker_arn("endpoint-config", endpoint)),
        _allow(
            ["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"],
            f"arn:{account.partition}:cloudwatch:{at}:alarm:{_alarms(endpoint)}",
        ),
        role,
    )


def unscale(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Let one endpoint scale no more; its alarms go as well."""
    at = f"{account.region}:{account.account_id}"
    return _policy(
        _scaling(account, "DeregisterScalableTarget"),
        _allow(["cloudwatch:DeleteAlarms"], f"arn:{account.partition}:cloudwatch:{at}:alarm:{_alarms(endpoint)}"),
    )


def _scaling(account: CustomerAccount, *verbs: str) -> dict[str, Any]:
    """Return the statement of a session that scales SageMaker's variants and nothing else."""
    statement = _allow(
        [f"application-autoscaling:{verb}" for verb in verbs],
        f"arn:{account.partition}:application-autoscaling:{account.region}:{account.account_id}:scalable-target/*",
    )
    wanted = {"service-namespace": "sagemaker", "scalable-dimension": "sagemaker:variant:DesiredInstanceCount"}
    statement["Condition"] = {
        "StringEquals": {f"application-autoscaling:{name}": value for name, value in wanted.items()}
    }
    return statement


def _alarms(endpoint: str) -> str:
    """Return the pattern of the names that Application Auto Scaling gives the alarms of an endpoint."""
    return f"TargetTracking-endpoint/{endpoint}/*"


def transform(account: CustomerAccount, name: str) -> dict[str, Any]:
    """Create, watch and remove one batch's model, and start, watch and stop its batch transform, which runs as training
    execution, as all jobs do.
    """
    tags = ["sagemaker:AddTags", "sagemaker:ListTags"]
    return _policy(
        _allow(
            [*(f"sagemaker:{verb}Model" for verb in ("Create", "Describe", "Delete")), *tags],
            account.sagemaker_arn("model", name),
        ),
        _allow(
            [*(f"sagemaker:{verb}TransformJob" for verb in ("Create", "Describe", "Stop")), *tags],
            account.sagemaker_arn("transform-job", name),
        ),
        _allow(["iam:PassRole"], account.roles.training_execution),
    )


def list_candidates() -> dict[str, Any]:
    """List the candidates of jobs."""
    return _policy(_allow(["sagemaker:ListCandidatesForAutoMLJob"], "*"))  # no resource level


def measure_artefacts(account: CustomerAccount, *keys: str) -> dict[str, Any]:
    """List these objects of the customer's bucket, which says whether they exist and how large they are, and read
    nothing of them.

    HeadObject would need s3:GetObject, and answers 403 for an absent object where s3:ListBucket has a condition on the
    prefix, as its request has none (S3 API reference, "HeadObject").
    """
    return _policy(
        _allow(["s3:ListBucket"], account.bucket_arn) | {"Condition": {"StringEquals": {"s3:prefix": list(keys)}}}
    )


def read_reports(account: CustomerAccount, folder: str, *reports: str) -> dict[str, Any]:
    """List what is under `folder` of the customer's bucket, and read these objects of it; one that ends in `/*` stands
    for all under it.
    """
    listing = _allow(["s3:ListBucket"], account.bucket_arn)
    listing["Condition"] = {"StringLike": {"s3:prefix": [f"{folder}*"]}}
    reading = _allow(["s3:GetObject"], *(f"{account.bucket_arn}/{report}" for report in reports))
    return _policy(listing, reading, *_by_s3(["kms:Decrypt"], account.kms_key_arn))


def write_objects(account: CustomerAccount, folder: str) -> dict[str, Any]:
    """Write objects under `folder` of the customer's bucket."""
    writing = _allow(["s3:PutObject"], f"{account.bucket_arn}/{folder}*")
    return _policy(writing, *_by_s3(["kms:GenerateDataKey"], account.kms_key_arn))


def predict(account: CustomerAccount, endpoint: str) -> dict[str, Any]:
    """Invoke one endpoint."""
    return _policy(_allow(["sagemaker:InvokeEndpoint"], account.sagemaker_arn("endpoint", endpoint)))


def remove_objects(account: CustomerAccount, folder: str) -> dict[str, Any]:
    """List and delete what is under `folder` of the customer's bucket; an empty folder means the whole bucket."""
    bucket_arn = account.bucket_arn
    listing = _allow(["s3:ListBucket", "s3:ListBucketVersions"], bucket_arn)
    if folder:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{folder}*"]}}
    unfinished = _allow(["s3:ListBucketMultipartUploads"], bucket_arn)
    return _policy(listing, unfinished, _allow(REMOVE_OBJECTS, f"{bucket_arn}/{folder}*"))


def _arns(account: CustomerAccount, name: str) -> dict[str, str]:
    """Return the ARN of each kind of resource of a name, by the kind as operations spell it."""
    kinds = {"Model": "model", "EndpointConfig": "endpoint-config", "Endpoint": "endpoint"}
    return {operation: account.sagemaker_arn(kind, name) for operation, kind in kinds.items()}


def sweep(account: CustomerAccount) -> dict[str, Any]:
    """List models, endpoint configurations and endpoints, describe those with our prefix, and delete them."""
    kinds = ("Model", "EndpointConfig", "Endpoint")
    return _policy(
        _allow([f"sagemaker:List{kind}s" for kind in kinds], "*"),  # no resource level
        *(
            _allow([f"sagemaker:Describe{kind}", f"sagemaker:Delete{kind}", "sagemaker:ListTags"], arn)
            for kind, arn in _arns(account, f"{account.prefix}-*").items()
        ),
    )


def inventory(account: CustomerAccount, model: str | None = None) -> dict[str, Any]:
    """List our resources that remain, and delete them: all of it, or the versions and artefacts of one model."""
    versions = (
        account.endpoint(model, "v????????-??????-????") if model else f"{account.prefix}-*"
    )  # ? is any character
    folder = f"{model}/" if model else ""
    bucket_arn = account.bucket_arn
    listing = _allow(["s3:ListBucketVersions"], bucket_arn)
    if folder:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{folder}*"]}}
    return _policy(
        _allow(  # no resource level (Service Authorization Reference)
            [
                "sagemaker:ListModels",
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListAutoMLJobs",
            ],
            "*",
        ),
        *(
            _allow([f"sagemaker:Describe{kind}", f"sagemaker:Delete{kind}"], arn)
            for kind, arn in _arns(account, versions).items()
        ),
        _allow(
            ["sagemaker:DescribeAutoMLJobV2", "sagemaker:StopAutoMLJob"],
            account.sagemaker_arn("automl-job", f"{account.prefix}-*"),
        ),
        listing,
        _allow(["s3:ListBucketMultipartUploads"], bucket_arn),
        _allow(REMOVE_OBJECTS, f"{bucket_arn}/{folder}*"),
    )


def probe(account: CustomerAccount, permissions: list[str]) -> dict[str, Any]:
    """Ask for these permissions on resources of the probe's name, on the bucket, and for lists; it must not narrow the
    role further, because the probe tests the role.
    """
    bucket, name = account.bucket_arn, account.probe
    by_name = [action for action in permissions if action.startswith("sagemaker:") and action not in WITHOUT_RESOURCE]
    in_bucket = [action for action in permissions if action.startswith("s3:") and action not in WITHOUT_RESOURCE]
    lists = [action for action in permissions if action not in {*by_name, *in_bucket}]
    return _policy(
        # A wildcard in the place of the resource's type matches none (an independent evaluator): it stands before it.
        _allow(by_name, f"arn:{account.partition}:sagemaker:{account.region}:{account.account_id}:*{name}*"),
        *([_allow(in_bucket, bucket, f"{bucket}/{name}")] if in_bucket else []),
        *([_allow(lists, "*")] if lists else []),
        _allow(["iam:PassRole"], account.roles.training_execution, account.roles.serving_execution),
        *_by_s3(["kms:GenerateDataKey", "kms:Decrypt"], account.kms_key_arn),
    )


def probe_beyond(permissions: list[str]) -> dict[str, Any]:
    """Ask for permissions that the role must not have: whatever it has of them, on whatever, shows."""
    return _policy(_allow(sorted({*permissions, "sagemaker:CreateModel"}), "*"))  # CreateModel asks for iam:PassRole


def nothing() -> dict[str, Any]:
    """Allow only GetCallerIdentity, which cannot be denied: for a session that must be refused."""
    return _policy(_allow(["sts:GetCallerIdentity"], "*"))
