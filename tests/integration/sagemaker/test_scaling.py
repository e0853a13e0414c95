"""Application Auto Scaling of endpoints, as its API reference has it: what is registered is described, and goes."""

from __future__ import annotations

from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT

OF_INSTANCES = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
TRACKING = {
    "TargetValue": 300.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}


def variant_of(endpoint: str) -> dict[str, str]:
    return OF_INSTANCES | {"ResourceId": f"endpoint/{endpoint}/variant/AllTraffic"}


@pytest.fixture(scope="module")
def scaling(account: Any) -> Any:
    return account.cloud.client("application-autoscaling", CUSTOMER_ACCOUNT)


def targets(scaling: Any, endpoint: str) -> list[Any]:
    ids = [variant_of(endpoint)["ResourceId"]]
    found: list[Any] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=ids)[
        "ScalableTargets"
    ]
    return found


def policy_of(endpoint: str) -> dict[str, Any]:
    kind = {"PolicyName": "p", "PolicyType": "TargetTrackingScaling"}
    return variant_of(endpoint) | kind | {"TargetTrackingScalingPolicyConfiguration": TRACKING}


def test_a_variant_is_registered_changed_and_deregistered_with_its_policy(account: Any, scaling: Any) -> None:
    name = account.endpoint(account.config(account.model("one")))
    assert account.refusal(scaling.put_scaling_policy, **policy_of(name))[0] == "ObjectNotFoundException"
    arn = scaling.register_scalable_target(**variant_of(name), MinCapacity=1, MaxCapacity=2)["ScalableTargetARN"]
    again = scaling.register_scalable_target(**variant_of(name), MaxCapacity=4)
    assert again["ScalableTargetARN"] == arn
    made = scaling.put_scaling_policy(**policy_of(name))
    assert {alarm["AlarmName"].rpartition("-Alarm")[0] for alarm in made["Alarms"]} == {
        f"TargetTracking-endpoint/{name}/variant/AllTraffic"
    }
    (target,) = targets(scaling, name)
    assert (target["MinCapacity"], target["MaxCapacity"], target["ScalableTargetARN"]) == (1, 4, arn)
    account.sagemaker.delete_endpoint(EndpointName=name)
    assert targets(scaling, name), "who forgets to deregister it is found"
    scaling.deregister_scalable_target(**variant_of(name))
    assert targets(scaling, name) == []
    refused = account.refusal(scaling.deregister_scalable_target, **variant_of(name))
    assert refused[0] == "ObjectNotFoundException"


def test_what_cannot_scale_is_refused(account: Any, scaling: Any) -> None:
    register, one = scaling.register_scalable_target, {"MinCapacity": 1, "MaxCapacity": 2}
    assert account.refusal(register, **variant_of("absent"), **one)[0] == "ValidationException"
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}}
    name = account.endpoint(account.config(account.model("lean"), **serverless))
    code, message = account.refusal(register, **variant_of(name), **one)
    assert (code, "serverless" in message) == ("ValidationException", True)
    name = account.endpoint(account.config(account.model("two")))
    for wrong in ({"MinCapacity": 3, "MaxCapacity": 2}, {"MinCapacity": 1}, {"MinCapacity": 0, "MaxCapacity": 1}):
        assert account.refusal(register, **variant_of(name), **wrong)[0] == "ValidationException", wrong
    with pytest.raises(scaling.exceptions.ValidationException, match="Unsupported resource"):
        register(**OF_INSTANCES, ResourceId="service/default/web", **one)
    register(**variant_of(name), **one)
    other = TRACKING | {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    asked = policy_of(name) | {"TargetTrackingScalingPolicyConfiguration": other}
    assert account.refusal(scaling.put_scaling_policy, **asked)[0] == "ValidationException"
