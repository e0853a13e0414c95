"""SageMaker's actions, resources, PassRole and AddTags are enforced; the service answers only what IAM let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT
from local.cloud import EmbeddedCloud

_ARN = f"arn:aws:sagemaker:us-east-1:{CUSTOMER_ACCOUNT}:"
_CONTAINER = {"Image": f"{CUSTOMER_ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/image:1", "ModelDataUrl": "s3://bucket/key"}
_JOB = {
    "AutoMLJobInputDataConfig": [
        {
            "ChannelType": "training",
            "ContentType": "text/csv;header=present",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/key"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
    "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "target"}},
    "RoleArn": f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/execution",
}
_VARIANT = {"VariantName": "v", "ModelName": "tenantml-m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
_CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "create_auto_ml_job_v2": (
        "CreateAutoMLJobV2",
        "automl-job/tenantml-job",
        {"AutoMLJobName": "TenantML-Job", **_JOB},
    ),
    "describe_auto_ml_job_v2": ("DescribeAutoMLJobV2", "automl-job/tenantml-job", {"AutoMLJobName": "tenantml-job"}),
    "list_candidates_for_auto_ml_job": (
        "ListCandidatesForAutoMLJob",
        "automl-job/tenantml-job",
        {"AutoMLJobName": "tenantml-job"},
    ),
    "stop_auto_ml_job": ("StopAutoMLJob", "automl-job/tenantml-job", {"AutoMLJobName": "tenantml-job"}),
    "describe_model": ("DescribeModel", "model/tenantml-m", {"ModelName": "tenantml-m"}),
    "delete_model": ("DeleteModel", "model/tenantml-m", {"ModelName": "tenantml-m"}),
    "create_endpoint_config": (
        "CreateEndpointConfig",
        "endpoint-config/tenantml-c",
        {"EndpointConfigName": "tenantml-c", "ProductionVariants": [_VARIANT]},
    ),
    "describe_endpoint": ("DescribeEndpoint", "endpoint/tenantml-e", {"EndpointName": "tenantml-e"}),
    "delete_endpoint": ("DeleteEndpoint", "endpoint/tenantml-e", {"EndpointName": "tenantml-e"}),
    "describe_training_job": ("DescribeTrainingJob", "training-job/tenantml-t", {"TrainingJobName": "tenantml-t"}),
    "describe_processing_job": (
        "DescribeProcessingJob",
        "processing-job/tenantml-p",
        {"ProcessingJobName": "tenantml-p"},
    ),
    "create_transform_job": (
        "CreateTransformJob",
        "transform-job/tenantml-b",
        {
            "TransformJobName": "TenantML-B",
            "ModelName": "tenantml-m",
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}},
            "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    ),
    "stop_transform_job": ("StopTransformJob", "transform-job/tenantml-b", {"TransformJobName": "tenantml-b"}),
    "list_transform_jobs": ("ListTransformJobs", "*", {}),
    "update_endpoint_weights_and_capacities": (
        "UpdateEndpointWeightsAndCapacities",
        "endpoint/tenantml-e",
        {"EndpointName": "tenantml-e", "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredWeight": 1}]},
    ),
    "list_endpoints": ("ListEndpoints", "*", {}),
    "list_tags": ("ListTags", "model/tenantml-m", {"ResourceArn": f"{_ARN}model/tenantml-m"}),
}


def allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    resource_arn = resource if resource == "*" or resource.startswith("arn:") else _ARN + resource
    return {"Effect": "Allow", "Action": action, "Resource": resource_arn, **more}


def refusal(call: Callable[..., Any], **request: Any) -> str | None:
    """IAM's message, or nothing when the request reached the service, whatever that then said."""
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return error.response["Error"]["Message"]
    return None


@pytest.fixture
def client_with(cloud: EmbeddedCloud, make_role: Callable[..., Any]) -> Callable[..., Any]:
    def make(*statements: dict[str, Any], service: str = "sagemaker") -> Any:
        credentials = make_role(*statements, account=CUSTOMER_ACCOUNT).credentials
        return cloud.client(service, CUSTOMER_ACCOUNT, credentials=credentials)

    return make


@pytest.mark.parametrize("operation", _CALLS)
def test_a_call_needs_its_action_on_its_resource(client_with: Callable[..., Any], operation: str) -> None:
    action, resource, request = _CALLS[operation]
    pass_any_role = allow("iam:PassRole", "*")
    allowed = client_with(allow(f"sagemaker:{action}", resource), pass_any_role)
    assert refusal(getattr(allowed, operation), **request) is None
    unrelated = client_with(allow("sagemaker:DescribeProject", "*"), pass_any_role)
    message = refusal(getattr(unrelated, operation), **request)
    assert message is not None
    assert f"is not authorized to perform: sagemaker:{action} on resource: " in message


@pytest.mark.parametrize("operation", [name for name, (_, resource, _) in _CALLS.items() if resource != "*"])
def test_a_call_on_another_resource_is_refused(client_with: Callable[..., Any], operation: str) -> None:
    action, resource, request = _CALLS[operation]
    client = client_with(allow(f"sagemaker:{action}", f"{resource}-other"), allow("iam:PassRole", "*"))
    assert _ARN + resource in str(refusal(getattr(client, operation), **request))


@pytest.mark.parametrize(
    "passed",
    [
        None,
        allow("iam:PassRole", f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/another"),
        allow("iam:PassRole", "*", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
    ],
)
def test_a_role_is_passed_only_by_who_may_pass_it_to_sagemaker(client_with: Callable[..., Any], passed: Any) -> None:
    client = client_with(allow("sagemaker:*", "*"), *([passed] if passed else []))
    message = str(refusal(client.create_auto_ml_job_v2, AutoMLJobName="tenantml-passed", **_JOB))
    assert f"is not authorized to perform: iam:PassRole on resource: {_JOB['RoleArn']}" in message


_KEY_ARN = f"arn:aws:kms:us-east-1:{CUSTOMER_ACCOUNT}:key/0a1b2c3d"
_VPC = {"Subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
_SECURITY = {"VolumeKmsKeyId": _KEY_ARN, "VpcConfig": _VPC, "EnableInterContainerTrafficEncryption": True}
_MODEL = {"ModelName": "tenantml-m", "ExecutionRoleArn": _JOB["RoleArn"], "Containers": [_CONTAINER]}
_CONFIG = {"EndpointConfigName": "tenantml-c", "ProductionVariants": [_VARIANT]}
_OUTPUT = {"S3OutputPath": "s3://bucket/output", "KmsKeyId": _KEY_ARN}
_IN_THE_VPC = {
    "ForAllValues:StringEquals": {
        "sagemaker:VpcSubnets": _VPC["Subnets"],
        "sagemaker:VpcSecurityGroupIds": _VPC["SecurityGroupIds"],
    },
    "Null": {"sagemaker:VpcSubnets": "false", "sagemaker:VpcSecurityGroupIds": "false"},
}
_ACTIONS = {
    "create_auto_ml_job_v2": "CreateAutoMLJobV2",
    "create_model": "CreateModel",
    "create_endpoint_config": "CreateEndpointConfig",
}
_ELSEWHERE = {"Subnets": [*_VPC["Subnets"], "subnet-2a1b2c3d"], "SecurityGroupIds": _VPC["SecurityGroupIds"]}


@pytest.mark.parametrize(
    ("operation", "condition", "request_", "met", "refused"),
    [
        (
            "create_auto_ml_job_v2",
            _IN_THE_VPC,
            {"AutoMLJobName": "tenantml-job", **_JOB},
            {"SecurityConfig": {"VpcConfig": _VPC}},
            [{}, {"SecurityConfig": {}}, {"SecurityConfig": {"VpcConfig": _ELSEWHERE}}],
        ),
        (
            "create_auto_ml_job_v2",
            {"ArnEquals": {"sagemaker:VolumeKmsKey": _KEY_ARN}},
            {"AutoMLJobName": "tenantml-job", **_JOB},
            {"SecurityConfig": {"VolumeKmsKeyId": _KEY_ARN}},
            [{}, {"SecurityConfig": {"VolumeKmsKeyId": f"{_KEY_ARN}0"}}, {"OutputDataConfig": _OUTPUT}],
        ),
        (
            "create_auto_ml_job_v2",
            {"ArnEquals": {"sagemaker:OutputKmsKey": _KEY_ARN}},
            {"AutoMLJobName": "tenantml-job", **_JOB},
            {"OutputDataConfig": _OUTPUT},
            [{}, {"SecurityConfig": _SECURITY}],
        ),
        (
            "create_auto_ml_job_v2",
            {"Bool": {"sagemaker:InterContainerTrafficEncryption": "true"}},
            {"AutoMLJobName": "tenantml-job", **_JOB},
            {"SecurityConfig": _SECURITY},
            [{}, {"SecurityConfig": {"EnableInterContainerTrafficEncryption": False}}],
        ),
        ("create_model", _IN_THE_VPC, _MODEL, {"VpcConfig": _VPC}, [{}, {"VpcConfig": _ELSEWHERE}]),
        (
            "create_model",
            {"Bool": {"sagemaker:NetworkIsolation": "true"}},
            _MODEL,
            {"EnableNetworkIsolation": True},
            [{}, {"EnableNetworkIsolation": False}],
        ),
        (
            "create_endpoint_config",
            {"ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}},
            _CONFIG,
            {},
            [{"ProductionVariants": [_VARIANT, {**_VARIANT, "VariantName": "w", "InstanceType": "ml.p3.2xlarge"}]}],
        ),
        (
            "create_endpoint_config",
            {"ArnEquals": {"sagemaker:VolumeKmsKey": _KEY_ARN}},
            _CONFIG,
            {"KmsKeyId": _KEY_ARN},
            [{}],
        ),
    ],
)
def test_a_condition_sees_the_network_the_keys_and_the_instances_of_a_request(
    client_with: Callable[..., Any], operation: str, condition: Any, request_: Any, met: Any, refused: list[Any]
) -> None:
    # Service Authorization Reference, "Actions defined by Amazon SageMaker": the keys of each action; ForAllValues is
    # true of a key that is absent (IAM user guide, "Multivalued context keys").
    create = allow(f"sagemaker:{_ACTIONS[operation]}", "*", Condition=condition)
    call = getattr(client_with(create, allow("iam:PassRole", "*")), operation)
    assert refusal(call, **request_ | met) is None
    for wrong in refused:
        assert refusal(call, **request_ | wrong) is not None, wrong


def test_pass_role_to_sagemaker_suffices(client_with: Callable[..., Any]) -> None:
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    passed = allow("iam:PassRole", str(_JOB["RoleArn"]), Condition=to_sagemaker)
    model = {"ModelName": "tenantml-passed", "ExecutionRoleArn": _JOB["RoleArn"], "Containers": [_CONTAINER]}
    assert refusal(client_with(allow("sagemaker:*", "*"), passed).create_model, **model) is None
    assert "iam:PassRole" in str(refusal(client_with(allow("sagemaker:*", "*")).create_model, **model))


def test_tagging_on_create_needs_add_tags(client_with: Callable[..., Any]) -> None:
    request = {**_CALLS["create_endpoint_config"][2], "Tags": [{"Key": "tenant", "Value": "acme"}]}
    create = allow("sagemaker:CreateEndpointConfig", "*")
    assert "sagemaker:AddTags" in str(refusal(client_with(create).create_endpoint_config, **request))
    tagging = client_with(create, allow("sagemaker:AddTags", "endpoint-config/tenantml-*"))
    assert refusal(tagging.create_endpoint_config, **request) is None


def test_an_endpoint_needs_its_configuration_too(client_with: Callable[..., Any]) -> None:
    request = {"EndpointName": "tenantml-e", "EndpointConfigName": "tenantml-c"}
    only_endpoint = client_with(allow("sagemaker:CreateEndpoint", "endpoint/tenantml-e"))
    assert f"{_ARN}endpoint-config/tenantml-c" in str(refusal(only_endpoint.create_endpoint, **request))
    both = client_with(allow("sagemaker:CreateEndpoint", "endpoint*/tenantml-*"))
    assert refusal(both.create_endpoint, **request) is None


def test_an_invocation_needs_the_endpoint(client_with: Callable[..., Any]) -> None:
    request = {"EndpointName": "TenantML-E", "ContentType": "text/csv", "Body": b"1"}
    service = "sagemaker-runtime"
    allowed = client_with(allow("sagemaker:InvokeEndpoint", "endpoint/tenantml-e"), service=service)
    assert refusal(allowed.invoke_endpoint, **request) is None
    other = client_with(allow("sagemaker:InvokeEndpoint", "endpoint/tenantml-f"), service=service)
    assert f"sagemaker:InvokeEndpoint on resource: {_ARN}endpoint/tenantml-e" in str(
        refusal(other.invoke_endpoint, **request)
    )


def test_a_session_policy_narrows_the_role(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], policy: Callable[..., str]
) -> None:
    role = make_role(allow("sagemaker:*", "*"), account=CUSTOMER_ACCOUNT)
    narrow = policy(allow("sagemaker:DescribeEndpoint", "endpoint/tenantml-mine"))
    session = cloud.client("sts", CUSTOMER_ACCOUNT).assume_role(
        RoleArn=role.arn, RoleSessionName="contract", Policy=narrow
    )
    client = cloud.client("sagemaker", CUSTOMER_ACCOUNT, credentials=session["Credentials"])
    assert refusal(client.describe_endpoint, EndpointName="tenantml-mine") is None
    assert refusal(client.describe_endpoint, EndpointName="tenantml-yours") is not None
    assert refusal(client.delete_endpoint, EndpointName="tenantml-mine") is not None


@pytest.mark.parametrize("service", ["sagemaker", "sagemaker-runtime"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("expired", "ExpiredTokenException"),
        ({"AccessKeyId": "ASIAUNKNOWNUNKNOWN00"}, "UnrecognizedClientException"),
        ({"SessionToken": "of-somebody-else"}, "UnrecognizedClientException"),
        ({"SessionToken": ""}, "UnrecognizedClientException"),
        ({"SecretAccessKey": "wrong"}, "InvalidSignatureException"),
    ],
    ids=["expired", "unknown key", "wrong token", "no token", "wrong secret"],
)
def test_credentials_that_fail_have_the_names_of_aws(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], service: str, change: Any, code: str
) -> None:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html; for the signature
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    credentials = make_role(allow("sagemaker:*", "*"), account=CUSTOMER_ACCOUNT).credentials
    if change == "expired":
        cloud.expire(credentials)
    else:
        credentials = credentials | change
    client = cloud.client(service, CUSTOMER_ACCOUNT, credentials=credentials)
    call, request = (
        (client.describe_endpoint, {"EndpointName": "tenantml-e"})
        if service == "sagemaker"
        else (client.invoke_endpoint, {"EndpointName": "tenantml-e", "Body": b"1", "ContentType": "text/csv"})
    )
    with pytest.raises(ClientError) as refused:
        call(**request)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
