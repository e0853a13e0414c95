"""Application Auto Scaling, as far as endpoints scale by their instances: register, put a policy, describe, deregister.

https://docs.aws.amazon.com/autoscaling/application/APIReference/

Nothing scales here: there are no metrics that alarms could watch. On AWS the deletion of an endpoint deregisters its
variants (SageMaker developer guide, "Delete endpoints configured for auto scaling"); here they stay, so that who
forgets to deregister one is found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from local.sagemaker import listing, store
from local.sagemaker.errors import Answer, ApiError, invalid
from local.sagemaker.shapes import check_answer, check_request, operation
from local.sagemaker.store import Endpoint, ScalableTarget, Scope

SERVICE = "application-autoscaling"
TARGET_PREFIX = "AnyScaleFrontendService."
JSON = "application/x-amz-json-1.1"
NAMESPACE, DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"
LINKED = "sagemaker.application-autoscaling.amazonaws.com"
LINKED_ROLE = f"role/aws-service-role/{LINKED}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_VARIANT = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_PAGE = 50

Document = dict[str, Any]


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
) -> Answer:
    """Answer one request."""
    del method, path, query_params
    from ministack.core.responses import get_account_id, get_region

    name = headers.get("x-amz-target", "").removeprefix(TARGET_PREFIX)
    try:
        if name not in OPERATIONS:
            raise ApiError("UnknownOperationException", f"The embedded cloud has no operation {name}.")
        model = operation(name, SERVICE)
        request = json.loads(body or b"{}")
        check_request(model.input_shape, request)
        with store.lock:
            answer = OPERATIONS[name](request, Scope(get_account_id(), get_region()))
        return 200, {"Content-Type": JSON}, json.dumps(check_answer(model.output_shape, answer)).encode()
    except ApiError as error:
        return error.answer(JSON)


def reset() -> None:
    """What is kept, SageMaker's part keeps."""


def target_arn(scope: Scope, resource: str) -> str:
    """The ARN of a scalable target, which holds an id and no name."""
    found = hashlib.sha256(f"{scope}{resource}".encode()).hexdigest()[:36]
    return f"arn:aws:{SERVICE}:{scope.region}:{scope.account}:scalable-target/{found}"


def alarms(resource: str) -> list[str]:
    """The names of the alarms of a target tracking policy."""
    return [f"TargetTracking-{resource}-Alarm{way}-{_digest(resource, way)}" for way in ("High", "Low")]


def register(request: Document, scope: Scope) -> Document:
    """RegisterScalableTarget."""
    resource = _resource(request)
    endpoint_name, variant_name = _parts(resource)
    endpoint = store.find(Endpoint, scope, endpoint_name)
    variants = {variant["VariantName"]: variant for variant in endpoint.variants} if endpoint else {}
    if endpoint is None or variant_name not in variants:
        raise invalid(f"No such variant: {resource}")
    if endpoint.status not in ("InService", "Updating"):
        raise invalid(f'The endpoint "{endpoint.arn}" is {endpoint.status}.')
    if "InstanceType" not in variants[variant_name]:
        raise invalid(f"The variant of {resource} is serverless, and {DIMENSION} cannot be scaled.")
    found = store.find(ScalableTarget, scope, resource)
    kept = found.request if found else {}
    least, most = (request.get(name, kept.get(name)) for name in ("MinCapacity", "MaxCapacity"))
    if least is None or most is None or least > most:
        raise invalid("MinCapacity and MaxCapacity are required for a new target, the first no more than the second.")
    if least < 1:
        raise invalid(f"MinCapacity of {DIMENSION} must be at least 1.")
    target = found or ScalableTarget(scope, resource, {})
    target.request = kept | {"MinCapacity": least, "MaxCapacity": most}
    store.add(target)
    return {"ScalableTargetARN": target_arn(scope, resource)}


def put_policy(request: Document, scope: Scope) -> Document:
    """PutScalingPolicy of the type TargetTrackingScaling."""
    resource = _resource(request)
    target = _registered(scope, resource)
    config = request.get("TargetTrackingScalingPolicyConfiguration")
    if request.get("PolicyType") != "TargetTrackingScaling" or config is None:
        raise ApiError("UnknownOperationException", "The embedded cloud has policies of TargetTrackingScaling only.")
    metric = config.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if metric != "SageMakerVariantInvocationsPerInstance":
        raise invalid(f"{metric} is no metric of {DIMENSION}.")
    target.request["Policies"] = target.request.get("Policies", {}) | {request["PolicyName"]: config}
    name, account = request["PolicyName"], f"{scope.region}:{scope.account}"
    return {
        "PolicyARN": f"arn:aws:autoscaling:{account}:scalingPolicy:{_digest(resource, name)}:resource/{NAMESPACE}/"
        f"{resource}:policyName/{name}",
        "Alarms": [
            {"AlarmName": alarm, "AlarmARN": f"arn:aws:cloudwatch:{account}:alarm:{alarm}"}
            for alarm in alarms(resource)
        ],
    }


def deregister(request: Document, scope: Scope) -> Document:
    """DeregisterScalableTarget: its policies and their alarms go as well."""
    store.remove(_registered(scope, _resource(request)))
    return {}


def describe(request: Document, scope: Scope) -> Document:
    """DescribeScalableTargets."""
    wanted = request.get("ResourceIds")
    rows = [
        {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": target.name,
            "ScalableDimension": DIMENSION,
            "MinCapacity": target.request["MinCapacity"],
            "MaxCapacity": target.request["MaxCapacity"],
            "RoleARN": f"arn:aws:iam::{scope.account}:{LINKED_ROLE}",
            "CreationTime": target.created_at,
            "ScalableTargetARN": target_arn(scope, target.name),
        }
        for target in store.of_kind(ScalableTarget, scope)
        if request["ServiceNamespace"] == NAMESPACE and (wanted is None or target.name in wanted)
    ]
    page, token = listing.page(
        rows,
        request,
        {"Name": lambda row: row["ResourceId"]},
        default_sort="Name",
        default_order="Ascending",
        default_size=_PAGE,
    )
    return {"ScalableTargets": page, "NextToken": token}


OPERATIONS: dict[str, Callable[[Document, Scope], Document]] = {
    "RegisterScalableTarget": register,
    "PutScalingPolicy": put_policy,
    "DeregisterScalableTarget": deregister,
    "DescribeScalableTargets": describe,
}


def _resource(request: Document) -> str:
    if (request["ServiceNamespace"], request["ScalableDimension"]) != (NAMESPACE, DIMENSION):
        raise ApiError("UnknownOperationException", f"The embedded cloud scales {DIMENSION} only.")
    _parts(request["ResourceId"])
    return str(request["ResourceId"])


def _parts(resource: str) -> tuple[str, str]:
    named = _VARIANT.fullmatch(resource)
    if named is None:
        raise invalid(f"Unsupported resource: {resource}")
    return named[1], named[2]


def _registered(scope: Scope, resource: str) -> ScalableTarget:
    target = store.find(ScalableTarget, scope, resource)
    if target is None:
        raise ApiError(
            "ObjectNotFoundException",
            f"No scalable target found for service namespace: {NAMESPACE}, resource ID: {resource}, scalable "
            f"dimension: {DIMENSION}",
        )
    return target


def _digest(*parts: str) -> str:
    found = hashlib.sha256("".join(parts).encode()).hexdigest()
    return f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:32]}"
