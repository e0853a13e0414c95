"""What Application Auto Scaling of SageMaker's endpoints asks IAM for: its own action, and what it does with an
endpoint and with alarms, which the caller must be allowed too.

Its resources hold an id and no name; the keys say what is scaled (Service Authorization Reference, "Application Auto
Scaling"). Which further permissions there are: Application Auto Scaling user guide, "Identity-based policy examples",
for SageMaker; its "Permissions validation for API calls on target resources" says that they are asked for, not with
which call: here each with the call that it serves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from local.patches.further_checks import Check
from local.sagemaker import scaling, store
from local.sagemaker.store import Endpoint, ScalableTarget, Scope

SERVICE: Final = scaling.SERVICE


@dataclass(frozen=True)
class Asked:
    """The resource of a request, its condition keys, and what it needs beside its own action."""

    resource_arn: str
    keys: dict[str, Any] = field(default_factory=dict)
    further: tuple[Check, ...] = ()


def asked(operation: str, body: bytes, region: str, account_id: str) -> Asked:
    """Return what a request asks IAM for."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return Asked("*")
    resource = request.get("ResourceId")
    if not isinstance(resource, str):
        return Asked("*")  # describing has no resource level
    scope = Scope(account_id, region)
    keys = {
        f"{SERVICE}:service-namespace": request.get("ServiceNamespace"),
        f"{SERVICE}:scalable-dimension": request.get("ScalableDimension"),
    }
    return Asked(scaling.target_arn(scope, resource), keys, tuple(_further(operation, resource, scope)))


def _further(operation: str, resource: str, scope: Scope) -> list[Check]:
    name = resource.split("/")[1] if "/" in resource else resource
    endpoint = store.find(Endpoint, scope, name)
    config = endpoint.config_name if endpoint else name
    alarms = [f"arn:aws:cloudwatch:{scope.region}:{scope.account}:alarm:{alarm}" for alarm in scaling.alarms(resource)]
    if operation == "RegisterScalableTarget":
        linked = f"arn:aws:iam::{scope.account}:{scaling.LINKED_ROLE}"
        by_service = {"iam:AWSServiceName": scaling.LINKED}
        has_role = bool(store.of_kind(ScalableTarget, scope))  # the first target makes it
        return [
            Check("sagemaker:DescribeEndpoint", scope.arn("endpoint", name), {}),
            Check("sagemaker:DescribeEndpointConfig", scope.arn("endpoint-config", config), {}),
            Check("sagemaker:UpdateEndpointWeightsAndCapacities", scope.arn("endpoint", name), {}),
            *([] if has_role else [Check("iam:CreateServiceLinkedRole", linked, by_service)]),
        ]
    verbs = {"PutScalingPolicy": ("PutMetricAlarm", "DescribeAlarms"), "DeregisterScalableTarget": ("DeleteAlarms",)}
    return [Check(f"cloudwatch:{verb}", alarm, {}) for verb in verbs.get(operation, ()) for alarm in alarms]
