"""What the probe asks of an access role: calls without effect that show which permissions it has.

Every call names something that does not exist, or is refused by another rule after IAM's decision: an answer
other than AccessDenied shows the permission. The only thing ever written is an empty object, which is deleted at once.
What cannot be asked this way is in `NOT_PROBED`, each with its reason. A contract test compares both with
`onboarding/customer_access.yaml`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tenantml.domain.names import PREFIX, CustomerAccount

NAME = f"{PREFIX}-probe"
NOT_OURS = "probe-not-ours"

NOT_PROBED = {
    "iam:PassRole": "asked with CreateAutoMLJobV2 and CreateModel, whose refusal names it",
    "s3:GetObjectVersion": "reads our own staging bucket, and only while a grant there allows it",
    "servicequotas:ListServiceQuotas": "an older template lacks it; quotas are not read then, and nothing fails",
    "kms:GenerateDataKey": "asked with PutObject, which uses the customer's key if it has one; the refusal names it",
    "kms:Decrypt": "asked with GetObject, likewise; our own key needs it only while a grant allows reading our bucket",
    "kms:CreateGrant": "would make a grant, and only AWS's services may",
}


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


def needed(account: CustomerAccount) -> list[Question]:
    """Return a question for each permission that the pipeline needs; what might be created is deleted further down."""
    return [*_jobs(account), *_serving(account), *_listings(), *_objects(account)]


def dangerous() -> list[Question]:
    """Return questions that a role of our template answers with AccessDenied: it sees only our resources."""
    return [
        Question("iam:ListRoles", {"MaxItems": 1}),
        Question("iam:ListUsers", {"MaxItems": 1}),
        Question("s3:ListAllMyBuckets", api="ListBuckets"),
        Question("dynamodb:ListTables", {"Limit": 1}),
        Question("lambda:ListFunctions", {"MaxItems": 1}),
        Question("sagemaker:DescribeModel", {"ModelName": NOT_OURS}),
        Question("sagemaker:DeleteEndpoint", {"EndpointName": NOT_OURS}),
    ]


def permissions(account: CustomerAccount) -> list[str]:
    """Return the permissions that all the questions ask for, each once."""
    return sorted({question.permission for question in [*needed(account), *dangerous()]})


def in_bucket(account: CustomerAccount) -> Question:
    """Return the question that is answered with `NoSuchBucket` when the bucket does not exist."""
    return Question("s3:ListBucket", {"Bucket": account.bucket, "MaxKeys": 1}, "ListObjectsV2")


def _jobs(account: CustomerAccount) -> list[Question]:
    job, uri = {"AutoMLJobName": NAME}, f"s3://{account.bucket}/{NAME}"
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
        "RoleArn": account.execution_role_arn,
    }
    return [
        Question("sagemaker:CreateAutoMLJobV2", job | request),
        Question("sagemaker:DescribeAutoMLJobV2", job),
        Question("sagemaker:StopAutoMLJob", job),
        Question("sagemaker:ListCandidatesForAutoMLJob", job),
    ]


def _serving(account: CustomerAccount) -> list[Question]:
    model, config, endpoint = {"ModelName": NAME}, {"EndpointConfigName": NAME}, {"EndpointName": NAME}
    container = {
        "Image": f"{account.account_id}.dkr.ecr.{account.region}.amazonaws.com/{NAME}:none",
        "ModelDataUrl": f"s3://{account.bucket}/{NAME}/none.tar.gz",
    }
    variant = {
        "VariantName": NAME,
        "ModelName": f"{NAME}-none",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    tagged = {"ResourceArn": account.sagemaker_arn("endpoint", NAME)}
    return [
        Question(
            "sagemaker:CreateModel",
            model | {"ExecutionRoleArn": account.execution_role_arn, "Containers": [container]},
        ),
        Question("sagemaker:CreateEndpointConfig", config | {"ProductionVariants": [variant]}),
        Question("sagemaker:CreateEndpoint", endpoint | {"EndpointConfigName": f"{NAME}-none"}),
        Question("sagemaker:DescribeEndpoint", endpoint),
        Question("sagemaker:DescribeEndpointConfig", config),
        Question("sagemaker:DescribeModel", model),
        Question(
            "sagemaker:InvokeEndpoint",
            endpoint | {"Body": b"", "ContentType": "text/csv"},
            client="sagemaker-runtime",
        ),
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
    place = bucket | {"Key": NAME}
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
    }
    return wrong | ({"another tenant's external ID": of_another_tenant} if of_another_tenant else {})
