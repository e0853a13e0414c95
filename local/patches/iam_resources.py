"""IAM's own actions are checked on the resources of the service authorization reference, with their paths; those of
CloudWatch Logs on a log group as policies name it: with `:*` at its end, except for the actions about tags.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
"""

from __future__ import annotations

import functools
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator, router
from ministack.services import iam

from local.patches.emulator import wrap
from local.sagemaker.shapes import service_model

# The parameter that names a request's resource, its type and where such resources are kept; the first present decides:
# a group before the user that joins it, an instance profile before its role, an entity before the policy that it gets.
_RESOURCES: Final = (
    ("GroupName", "group", iam._groups),
    ("InstanceProfileName", "instance-profile", iam._instance_profiles),
    ("RoleName", "role", iam._roles),
    ("UserName", "user", iam._users),
)
_TAG: Final = "Tag"  # TagResource, UntagResource, ListTagsForResource, and their older names


def apply() -> None:
    """As shipped CreatePolicy has no resource, a group's actions have the user or the policy, paths are dropped, and
    a log group's name ends without `:*`.
    """
    wrap(iam_actions, "extract_resource_arn", "82f51700695c", _resource)


def _resource(extract: Any) -> Any:
    @functools.wraps(extract)
    def extracting(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account_id: str
    ) -> str:
        arn: str = extract(service, method, path, headers, body, query, region, account_id)
        if service == "logs" and ":log-group:" in arn and _TAG not in headers.get("x-amz-target", ""):
            return f"{arn}:log-stream:"
        if service != "iam":
            return arn
        sent = {name: values[-1] if isinstance(values, list) else values for name, values in query.items()}
        return _arn(sent, account_id) or _callers_own(sent, headers, query) or arn

    return extracting


def _arn(sent: dict[str, str], account_id: str) -> str | None:
    """The ARN of what a request names, or None if it names nothing."""
    action = sent.get("Action", "")
    for parameter, kind, kept in _RESOURCES:
        if name := sent.get(parameter):
            existing = kept.get(name)
            if existing and action != f"Create{parameter.removesuffix('Name')}":
                return str(existing["Arn"])
            return f"arn:aws:iam::{account_id}:{kind}{sent.get('Path', '/')}{name}"
    if arn := sent.get("PolicyArn"):
        return arn
    return (
        f"arn:aws:iam::{account_id}:policy{sent.get('Path', '/')}{sent['PolicyName']}" if "PolicyName" in sent else None
    )


def _callers_own(sent: dict[str, str], headers: Any, query: Any) -> str | None:
    """Actions on a user, such as CreateAccessKey, are about the caller when they name none."""
    model = service_model("iam")
    if sent.get("Action") not in model.operation_names:
        return None
    shape = model.operation_model(sent["Action"]).input_shape
    if shape is None or "UserName" not in shape.members or "UserName" in shape.required_members:
        return None
    caller = iam_evaluator.resolve_caller_identity(router.extract_access_key_id(headers, query)) or {}
    arn = str(caller.get("userArn", ""))
    return arn if ":user/" in arn else None
