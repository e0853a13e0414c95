"""SageMaker under IAM: actions, resource ARNs, condition keys, PassRole and AddTags, as in the service authorization
reference; and Application Auto Scaling of its endpoints (`local.patches.scaling_iam`).

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

import contextvars
import functools
import json
import re
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator

from local.patches import scaling_iam
from local.patches.emulator import wrap
from local.patches.further_checks import Check

SERVICE: Final = "sagemaker"
SERVICE_QUOTAS: Final = "servicequotas"
ENFORCED: Final = frozenset({SERVICE, scaling_iam.SERVICE})
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations$")
# The member of a request that names its resource, and the resource's type; the first present decides.
_RESOURCES = (
    ("AutoMLJobName", "automl-job"),
    ("TransformJobName", "transform-job"),
    ("TrainingJobName", "training-job"),
    ("ProcessingJobName", "processing-job"),
    ("EndpointName", "endpoint"),
    ("EndpointConfigName", "endpoint-config"),
    ("ModelName", "model"),
)


_further: contextvars.ContextVar[tuple[Check, ...]] = contextvars.ContextVar("sagemaker_further_checks", default=())
_keys: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("sagemaker_condition_keys")
_failed: contextvars.ContextVar[Check | None] = contextvars.ContextVar("sagemaker_failed_check", default=None)


def apply() -> None:
    """Register SageMaker and Service Quotas with the IAM evaluator."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    iam_actions._BOTOCORE_SERVICE_MAP[SERVICE] = [SERVICE]
    iam_actions.SERVICE_TO_IAM_NAMESPACE[scaling_iam.SERVICE] = scaling_iam.SERVICE
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE_QUOTAS] = SERVICE_QUOTAS  # its lists have no resource level
    wrap(iam_actions, "extract_iam_action", "ec476b92d969", _action)
    wrap(iam_actions, "extract_resource_arn", "82f51700695c", _resource)
    wrap(iam_evaluator, "enforce", "cf64b1ee5b09", _enforce_all)
    wrap(iam_actions, "access_denied_response", "3cc2e315f91f", _name_the_missing_permission)


def _action(extract: Any) -> Any:
    @functools.wraps(extract)
    def extracting(service: str, method: str, path: str, *arguments: Any) -> str | None:
        if service == SERVICE and _INVOCATION.search(path):
            return f"{SERVICE}:InvokeEndpoint"
        action: str | None = extract(service, method, path, *arguments)
        return action

    return extracting


def _resource(extract: Any) -> Any:
    @functools.wraps(extract)
    def extracting(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account_id: str
    ) -> str:
        _further.set(())
        _keys.set({})
        _failed.set(None)
        if service == scaling_iam.SERVICE:
            asked = scaling_iam.asked(headers.get("x-amz-target", "").rpartition(".")[2], body, region, account_id)
            _keys.set(asked.keys)
            _further.set(asked.further)
            return asked.resource_arn
        if service != SERVICE:
            other_arn: str = extract(service, method, path, headers, body, query, region, account_id)
            return other_arn
        prefix = f"arn:aws:{SERVICE}:{region}:{account_id}:"
        if invocation := _INVOCATION.search(path):
            return f"{prefix}endpoint/{invocation[1].lower()}"
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return "*"
        resource_arn = _resource_arn(operation, request, prefix)
        _keys.set(condition_keys(operation, request))
        _further.set(_further_checks(operation, request, prefix, resource_arn))
        return resource_arn

    return extracting


def _resource_arn(operation: str, request: dict[str, Any], prefix: str) -> str:
    if "ResourceArn" in request:  # AddTags, ListTags, DeleteTags
        return str(request["ResourceArn"]).lower()
    if operation.startswith("List") and operation != "ListCandidatesForAutoMLJob":
        return "*"
    named = next(((name, kind) for name, kind in _RESOURCES if isinstance(request.get(name), str)), None)
    return f"{prefix}{named[1]}/{request[named[0]].lower()}" if named else "*"


def condition_keys(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """What a request says of its network, keys and instances; a key that it says nothing of is absent.

    Which action has which: Service Authorization Reference, "Actions defined by Amazon SageMaker".
    """
    found: dict[str, Any] = {}
    network: dict[str, Any] = {}
    if operation == "CreateAutoMLJobV2":
        security = request.get("SecurityConfig") or {}
        network = security.get("VpcConfig") or {}
        found["InterContainerTrafficEncryption"] = security.get("EnableInterContainerTrafficEncryption")
        found["VolumeKmsKey"] = security.get("VolumeKmsKeyId")
        found["OutputKmsKey"] = (request.get("OutputDataConfig") or {}).get("KmsKeyId")
    elif operation == "CreateModel":
        network = request.get("VpcConfig") or {}
        found["NetworkIsolation"] = request.get("EnableNetworkIsolation")
    elif operation == "CreateEndpointConfig":
        variants = request.get("ProductionVariants") or []
        found["InstanceTypes"] = [one["InstanceType"] for one in variants if "InstanceType" in one]
        found["VolumeKmsKey"] = request.get("KmsKeyId")
    found |= {"VpcSubnets": network.get("Subnets"), "VpcSecurityGroupIds": network.get("SecurityGroupIds")}
    return {
        f"{SERVICE}:{name}": str(value).lower() if isinstance(value, bool) else value
        for name, value in found.items()
        if value not in (None, [])
    }


def _further_checks(operation: str, request: dict[str, Any], prefix: str, resource_arn: str) -> tuple[Check, ...]:
    checks = []
    config = request.get("EndpointConfigName")
    if operation in ("CreateEndpoint", "UpdateEndpoint") and isinstance(config, str):
        checks.append(Check(f"{SERVICE}:{operation}", f"{prefix}endpoint-config/{config.lower()}", {}))
    if operation.startswith("Create") and request.get("Tags"):
        checks.append(Check(f"{SERVICE}:AddTags", resource_arn, {}))
    for member in ("RoleArn", "ExecutionRoleArn"):
        if isinstance(request.get(member), str):
            to_sagemaker = {"iam:PassedToService": "sagemaker.amazonaws.com", "iam:AssociatedResourceArn": resource_arn}
            checks.append(Check("iam:PassRole", request[member], to_sagemaker))
    return tuple(checks)


def _enforce_all(enforce: Any) -> Any:
    @functools.wraps(enforce)
    def enforcing(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        if service in ENFORCED:
            service_context = {**(service_context or {}), **_keys.get({})}
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        for check in _further.get() if service in ENFORCED and denied is None else ():
            denied = enforce(
                access_key_id,
                check.action,
                service,
                region,
                check.resource_arn,
                {**(service_context or {}), **check.context},
            )
            if denied is not None:
                _failed.set(check)
                break
        return denied

    return enforcing


def _name_the_missing_permission(respond: Any) -> Any:
    @functools.wraps(respond)
    def responding(service: str, action: str, principal_arn: str, request_id: str, **details: Any) -> Any:
        if service in ENFORCED and not details.get("error_code"):  # not for bad credentials, which have a code already
            check = _failed.get()
            action, resource_arn = (check.action, check.resource_arn) if check else (action, details["resource_arn"])
            details["error_code"] = "AccessDeniedException"
            details["message"] = iam_actions.identity_denial_message(
                action, principal_arn, resource_arn, details.get("explicit_deny", False)
            )
        return respond(service, action, principal_arn, request_id, **details)

    return responding
