"""To scale an endpoint needs its own action for what is scaled, and each permission of what scaling does (Application
Auto Scaling user guide, "Identity-based policy examples" and "Permissions validation for API calls on target
resources"; Service Authorization Reference, "Application Auto Scaling").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import CUSTOMER_ACCOUNT
from local.cloud import EmbeddedCloud

_AT = f"us-east-1:{CUSTOMER_ACCOUNT}"
_TARGETS = f"arn:aws:application-autoscaling:{_AT}:scalable-target/*"
_ALARMS = f"arn:aws:cloudwatch:{_AT}:alarm:TargetTracking-endpoint/tenantml-e/*"
_LINKED = "sagemaker.application-autoscaling.amazonaws.com"
_ROLE = (
    f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/aws-service-role/{_LINKED}/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_OF_SAGEMAKER = {
    "application-autoscaling:service-namespace": "sagemaker",
    "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
}
_VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/tenantml-e/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
_TRACKING = {
    "TargetValue": 300.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}
_CALLS: dict[str, dict[str, Any]] = {
    "register_scalable_target": _VARIANT | {"MinCapacity": 1, "MaxCapacity": 2},
    "put_scaling_policy": _VARIANT
    | {
        "PolicyName": "p",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": _TRACKING,
    },
    "deregister_scalable_target": _VARIANT,
}
Statement = dict[str, Any]


def allow(action: str, resource: str, **keys: str) -> Statement:
    condition = {"Condition": {"StringEquals": keys}} if keys else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource} | condition


_NEEDED: dict[str, list[Statement]] = {
    "register_scalable_target": [
        allow("application-autoscaling:RegisterScalableTarget", _TARGETS, **_OF_SAGEMAKER),
        allow("sagemaker:DescribeEndpoint", f"arn:aws:sagemaker:{_AT}:endpoint/tenantml-e"),
        allow("sagemaker:DescribeEndpointConfig", f"arn:aws:sagemaker:{_AT}:endpoint-config/tenantml-*"),
        allow("sagemaker:UpdateEndpointWeightsAndCapacities", f"arn:aws:sagemaker:{_AT}:endpoint/tenantml-e"),
        allow("iam:CreateServiceLinkedRole", _ROLE, **{"iam:AWSServiceName": _LINKED}),
    ],
    "put_scaling_policy": [
        allow("application-autoscaling:PutScalingPolicy", _TARGETS, **_OF_SAGEMAKER),
        allow("cloudwatch:PutMetricAlarm", _ALARMS),
        allow("cloudwatch:DescribeAlarms", _ALARMS),
    ],
    "deregister_scalable_target": [
        allow("application-autoscaling:DeregisterScalableTarget", _TARGETS, **_OF_SAGEMAKER),
        allow("cloudwatch:DeleteAlarms", _ALARMS),
    ],
}


@pytest.fixture
def client_with(cloud: EmbeddedCloud, make_role: Callable[..., Any]) -> Callable[..., Any]:
    def make(*statements: Statement) -> Any:
        credentials = make_role(*statements, account=CUSTOMER_ACCOUNT).credentials
        return cloud.client("application-autoscaling", CUSTOMER_ACCOUNT, credentials=credentials)

    return make


def refusal(client: Any, operation: str, **changes: Any) -> str:
    """IAM's message; empty when the request reached the service, which knows no such endpoint or target."""
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**_CALLS[operation] | changes)
    error = caught.value.response["Error"]
    if error["Code"] != "AccessDeniedException":
        assert error["Code"] in {"ValidationException", "ObjectNotFoundException"}
        return ""
    return str(error["Message"])


@pytest.mark.parametrize("operation", _CALLS)
def test_a_call_needs_every_one_of_its_permissions(client_with: Callable[..., Any], operation: str) -> None:
    needed = _NEEDED[operation]
    assert refusal(client_with(*needed), operation) == ""
    for missing in needed:
        rest = [statement for statement in needed if statement is not missing]
        client = client_with(*rest, allow("sagemaker:DescribeProject", "*"))
        assert f"is not authorized to perform: {missing['Action']} on resource: " in refusal(client, operation)


@pytest.mark.parametrize("operation", _CALLS)
def test_what_is_not_an_endpoints_instances_is_refused_by_the_condition(
    client_with: Callable[..., Any], operation: str
) -> None:
    client = client_with(*_NEEDED[operation])
    for changes in ({"ServiceNamespace": "dynamodb"}, {"ScalableDimension": "dynamodb:table:ReadCapacityUnits"}):
        assert "application-autoscaling:" in refusal(client, operation, **changes), changes
