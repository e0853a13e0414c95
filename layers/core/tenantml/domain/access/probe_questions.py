"""What the probe asks of the two access roles: calls without effect that show which permissions they have.

Every call names something that does not exist, or is refused by another rule after IAM's decision: an answer
other than AccessDenied shows the permission. The only thing ever written is an empty object, which is deleted at once.
What a role needs and cannot be asked this way is in `NOT_PROBED`, what a role or a trust policy may have beyond it, or
lack, and no question shows in `CANNOT_SEE`, each with its reason. A contract test compares the first with
`onboarding/customer_access.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tenantml.domain.names import PREDICTION, PREFIX, Access, CustomerAccount

NAME = f"{PREFIX}-probe"
NOT_OURS = "probe-not-ours"

NOT_PROBED = {
    "iam:PassRole": "asked with CreateAutoMLJobV2 and CreateModel, whose refusal names it",
    "s3:GetObjectVersion": "reads our own staging bucket, and only while a grant there allows it",
    "servicequotas:ListServiceQuotas": "an older template lacks it; quotas are not read then, and nothing fails",
    "sagemaker:DescribeTrainingJob": "an older template lacks it; trainings count at their worst case, nothing fails",
    "sagemaker:DescribeProcessingJob": "an older template lacks it; a training's cost says that these are not in it",
    **dict.fromkeys(
        (
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeregisterScalableTarget",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:DeleteAlarms",
            "iam:CreateServiceLinkedRole",
        ),
        "an older template lacks it; a version with max_instances ends in ScalingRefused, all others are served",
    ),
    "kms:GenerateDataKey": "asked with PutObject, which uses the customer's key if it has one; the refusal names it",
    "kms:Decrypt": "asked with GetObject, likewise; our own key needs it only while a grant allows reading our bucket",
    "kms:CreateGrant": "would make a grant, and only AWS's services may",
}
CANNOT_SEE = {
    "sts:AssumeRole": "STS refuses a role that does not trust the asker with the same words as one without permission",
    "s3:GetObject elsewhere": "a bucket of the account whose name we know would be needed",
    "kms:Decrypt elsewhere": "a ciphertext of a key of the account would be needed",
    "a missing CopyTrainingSets": "we admit the role only while a grant stands, so a first upload shows it",
    "a list of external IDs": "only IDs that we know can be tried: none, another tenant's, and variations of its own",
    "a trust in another account, a service or an identity provider": "only they could try",
    "the two execution roles": "SageMaker assumes them, and nobody else may",
    "what no question asks": "the probe asks some of AWS's permissions, and no policy is read",
}
"""What a role may have, or lack, unnoticed, and why; the customer's own IAM Access Analyzer shows it."""


@dataclass(frozen=True)
class Question:
    """One call: the IAM action that it shows, the request, and the API's operation and service if named otherwise."""

    permission: str
    request: dict[str, Any] = field(default_factory=dict)
    api: str = ""
    client: str = ""

    @property
    def operation(self) -> str:
        """The API's operation, such as `ListObjectsV2`."""
        return self.api or self.permission.split(":")[1]

    @property
    def service(self) -> str:
        """The service as boto3 names it."""
        return self.client or self.permission.split(":")[0]


IDENTITY = Question("sts:GetCallerIdentity")


def needed(account: CustomerAccount, access: Access) -> list[Question]:
    """Return a question for each permission that a role needs; what might be created is deleted further down."""
    if access == PREDICTION:
        return [_invoke(account)]
    return [*_jobs(account), *_serving(account), *_listings(), *_objects(account)]


def dangerous(account: CustomerAccount, access: Access, *, thorough: bool) -> list[Question]:
    """Return questions that a role of our template answers with AccessDenied: those of every hour, and with `thorough`
    those of an activation, which the customer's alarms may notice.
    """
    other = _beyond_predictions(account) if access == PREDICTION else [_invoke(account)]
    quiet = [
        Question("iam:ListRoles", {"MaxItems": 1}),
        Question("s3:ListAllMyBuckets", api="ListBuckets"),
        Question("sagemaker:DescribeModel", {"ModelName": NOT_OURS}),
        *other,
    ]
    return [*quiet, *_noisy(account)] if thorough else quiet


def _beyond_predictions(account: CustomerAccount) -> list[Question]:
    """Return what training access may do and prediction access may not, on our own names."""
    absent = {"Bucket": account.bucket, "Key": account.probe}
    return [
        Question("sagemaker:DescribeEndpoint", {"EndpointName": account.probe}),
        Question("sagemaker:DescribeAutoMLJobV2", {"AutoMLJobName": account.probe}),
        Question("sagemaker:ListEndpoints", {"MaxResults": 1}),
        Question("s3:GetObject", absent),
        Question("s3:DeleteObject", absent),
        in_bucket(account),
    ]


def _noisy(account: CustomerAccount) -> list[Question]:
    absent, role_arn = f"{NAME}-none", f"arn:{account.partition}:iam::{account.account_id}:role/{NAME}-none"
    boundary = f"arn:{account.partition}:iam::{account.account_id}:policy/{NAME}-none"  # IAM refuses what is not there
    return [
        Question("iam:CreateUser", {"UserName": NAME, "PermissionsBoundary": boundary}),
        Question("iam:PutRolePolicy", {"RoleName": absent, "PolicyName": NAME, "PolicyDocument": "{}"}),
        Question("iam:PassRole", _model(account) | {"ExecutionRoleArn": role_arn}, "CreateModel", "sagemaker"),
        Question("sagemaker:DeleteEndpoint", {"EndpointName": NOT_OURS}),
        Question("dynamodb:ListTables", {"Limit": 1}),
        Question("lambda:ListFunctions", {"MaxItems": 1}),
        Question("lambda:InvokeFunction", {"FunctionName": absent, "InvocationType": "DryRun"}, "Invoke"),
        Question("secretsmanager:ListSecrets", {"MaxResults": 1}),
        Question("secretsmanager:GetSecretValue", {"SecretId": absent}),
        Question("kms:ListKeys", {"Limit": 1}),
        Question("ec2:DescribeInstances", {"DryRun": True}),
        Question("ec2:CreateKeyPair", {"KeyName": absent, "DryRun": True}),
        Question("cloudformation:ListStacks"),
        Question("cloudformation:UpdateStack", {"StackName": absent, "UsePreviousTemplate": True}),
        Question("logs:DescribeLogGroups", {"limit": 1}),
        Question("logs:GetLogEvents", {"logGroupName": absent, "logStreamName": absent}),
    ]


def permissions(questions: Iterable[Question]) -> list[str]:
    """Return the permissions that questions ask for, each once."""
    return sorted({question.permission for question in questions})


def in_bucket(account: CustomerAccount) -> Question:
    """Return the question that is answered with `NoSuchBucket` when the bucket does not exist."""
    return Question("s3:ListBucket", {"Bucket": account.bucket, "MaxKeys": 1}, "ListObjectsV2")


def _jobs(account: CustomerAccount) -> list[Question]:
    job, uri = {"AutoMLJobName": account.probe}, f"s3://{account.bucket}/{account.probe}"
    channel = {
        "ChannelType": "training",
        "ContentType": "text/csv;header=present",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
    }
    # A problem type without an objective is refused (SageMaker API reference, CreateAutoMLJobV2, "AutoMLJobObjective"),
    # so that no job comes about, which could never be deleted.
    problem = {"TargetAttributeName": NAME, "ProblemType": "Regression"}
    request = {
        "AutoMLJobInputDataConfig": [channel],
        "OutputDataConfig": {"S3OutputPath": uri},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": problem},
        "RoleArn": account.roles.training_execution,
    } | ({"SecurityConfig": account.job_security} if account.job_security else {})
    transform = {"TransformJobName": account.probe}
    batch = {
        "ModelName": f"{account.probe}-none",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}},
        "TransformOutput": {"S3OutputPath": uri},
        "TransformResources": {"InstanceType": (*account.instance_types, "ml.m5.large")[0], "InstanceCount": 1},
    }
    return [
        Question("sagemaker:CreateTransformJob", transform | batch),
        Question("sagemaker:DescribeTransformJob", transform),
        Question("sagemaker:StopTransformJob", transform),
        Question("sagemaker:CreateAutoMLJobV2", job | request),
        Question("sagemaker:DescribeAutoMLJobV2", job),
        Question("sagemaker:StopAutoMLJob", job),
        Question("sagemaker:ListCandidatesForAutoMLJob", job),
    ]


def _model(account: CustomerAccount) -> dict[str, Any]:
    container = {
        "Image": f"{account.account_id}.dkr.ecr.{account.region}.amazonaws.com/{NAME}:none",
        "ModelDataUrl": f"s3://{account.bucket}/{account.probe}/output/none.tar.gz",
    }
    network = {"VpcConfig": account.vpc_config} if account.vpc_config else {}
    return {"ModelName": account.probe, "Containers": [container]} | network


def _invoke(account: CustomerAccount) -> Question:
    request = {"EndpointName": account.probe, "Body": b"", "ContentType": "text/csv"}
    return Question("sagemaker:InvokeEndpoint", request, client="sagemaker-runtime")


def _serving(account: CustomerAccount) -> list[Question]:
    name = account.probe
    model, config, endpoint = {"ModelName": name}, {"EndpointConfigName": name}, {"EndpointName": name}
    variant = {
        "VariantName": NAME,
        "ModelName": f"{name}-none",
        "InstanceType": (*account.instance_types, "ml.m5.large")[0],
        "InitialInstanceCount": 1,
    }
    tagged = {"ResourceArn": account.sagemaker_arn("endpoint", name)}
    return [
        Question("sagemaker:CreateModel", _model(account) | {"ExecutionRoleArn": account.roles.serving_execution}),
        Question("sagemaker:CreateEndpointConfig", config | {"ProductionVariants": [variant]}),
        Question("sagemaker:CreateEndpoint", endpoint | {"EndpointConfigName": f"{name}-none"}),
        Question("sagemaker:DescribeEndpoint", endpoint),
        Question("sagemaker:DescribeEndpointConfig", config),
        Question("sagemaker:DescribeModel", model),
        Question("sagemaker:AddTags", tagged | {"Tags": [{"Key": NAME, "Value": ""}]}),
        Question("sagemaker:ListTags", tagged),
        Question("sagemaker:DeleteEndpoint", endpoint),
        Question("sagemaker:DeleteEndpointConfig", config),
        Question("sagemaker:DeleteModel", model),
    ]


def _listings() -> list[Question]:
    kinds = ("AutoMLJobs", "Models", "EndpointConfigs", "Endpoints")
    return [Question(f"sagemaker:List{kind}", {"MaxResults": 1}) for kind in kinds]


def _objects(account: CustomerAccount) -> list[Question]:
    bucket = {"Bucket": account.bucket}
    place = bucket | {"Key": account.probe}
    part = place | {"UploadId": "probe"}  # of an upload that does not exist
    return [
        in_bucket(account),
        Question("s3:ListBucketVersions", bucket | {"MaxKeys": 1}, "ListObjectVersions"),
        Question("s3:ListBucketMultipartUploads", bucket | {"MaxUploads": 1}, "ListMultipartUploads"),
        Question("s3:PutObject", place | {"Body": b""}),
        Question("s3:GetObject", place),
        Question("s3:DeleteObject", place),
        Question("s3:DeleteObjectVersion", place | {"VersionId": "null"}, "DeleteObject"),
        Question("s3:AbortMultipartUpload", part),
        Question("s3:ListMultipartUploadParts", part, "ListParts"),
    ]


def wrong_external_ids(external_id: str, of_another_tenant: str | None, random: str) -> dict[str, str | None]:
    """Return external IDs that must not let us in, each under a readable name; `random` is new and unguessable.

    Conditions weaker than `StringEquals` (any case, a pattern, one of several) each accept one of them.
    """
    wrong: dict[str, str | None] = {
        "no external ID": None,
        "a random external ID": random,
        "a random external ID of our form": f"{external_id[:9]}{random}",
        "its external ID in other letters' case": external_id.swapcase(),
        "its external ID with something after it": f"{external_id}{random}",
        "its external ID with something before it": f"{random}{external_id}",
        "its external ID with one more character": f"{external_id}0",
        "its external ID with another last character": f"{external_id[:-1]}{'1' if external_id[-1] == '0' else '0'}",
    }
    return wrong | ({"another tenant's external ID": of_another_tenant} if of_another_tenant else {})
