"""Application Auto Scaling in the customer's account: an endpoint has more instances while it is called often."""

from __future__ import annotations

from typing import Any

from tenantml.aws.error_codes import DENIED, IN_CUSTOMER_ACCOUNT, INVALID, QUOTA_USED_UP, Names, absence, named
from tenantml.domain.names import variant_resource
from tenantml.errors import CustomerThrottled, QuotaExceeded, ScalingRefused

SERVICE = "application-autoscaling"
NAMESPACE, DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"
POLICY, METRIC = "invocations-per-instance", "SageMakerVariantInvocationsPerInstance"

# Application Auto Scaling API reference, "Errors" of each operation. Of an endpoint that is gone, AWS may find the
# request invalid.
ABSENT_TARGET = INVALID | {"ObjectNotFoundException"}
LATER: Names = {"ConcurrentUpdateException": CustomerThrottled}
REFUSED = DENIED | INVALID | {"FailedResourceAccessException"}
ERRORS: Names = (
    IN_CUSTOMER_ACCOUNT
    | LATER
    | dict.fromkeys({"LimitExceededException", *QUOTA_USED_UP}, QuotaExceeded)
    | dict.fromkeys(REFUSED, ScalingRefused)
)


def scale(client: Any, endpoint: str, least: int, most: int, invocations_per_instance: int) -> None:
    """Let an endpoint that is in service have between `least` and `most` instances, so many that each is called as
    often a minute as this. Repeatable.

    Raises:
        ScalingRefused: AWS does not scale it, or the access role may not ask for it.
        QuotaExceeded: the account has as many scalable targets as it may.
        CustomerThrottled: AWS did not answer, or another change of the same is under way.
    """
    target = {"TargetValue": float(invocations_per_instance)}
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": METRIC}}
    with named(ERRORS, f"the endpoint {endpoint} could not be scaled"):
        client.register_scalable_target(**_variant(endpoint), MinCapacity=least, MaxCapacity=most)
        client.put_scaling_policy(
            **_variant(endpoint),
            PolicyName=POLICY,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=target | metric,
        )


def unscale(client: Any, endpoint: str) -> None:
    """Let an endpoint have the instances that it has; its policy and alarms go as well (Application Auto Scaling API
    reference, "DeregisterScalableTarget"). Repeatable, and harmless for one that never scaled.

    Raises:
        CustomerAccessRevoked: the access role may not ask for it.
        CustomerThrottled: AWS did not answer, or another change of the same is under way.
    """
    with named(IN_CUSTOMER_ACCOUNT | LATER, f"the endpoint {endpoint} scales on"), absence(ABSENT_TARGET):
        client.deregister_scalable_target(**_variant(endpoint))


def _variant(endpoint: str) -> dict[str, str]:
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": variant_resource(endpoint),
        "ScalableDimension": DIMENSION,
    }
