"""What our policies need of IAM: aws:PrincipalArn, aws:SecureTransport, dynamodb:LeadingKeys, events:detail-type, and
variables in conditions and resources.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import ministack.app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb, iam

from local.patches.emulator import wrap

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_KEY_IN_RESOURCE = re.compile(r"\$\{(\w+:[^}]+)\}")
_EQUALITY = re.compile(r"([#\w.-]+)\s*=\s*(:\w+)")


def apply() -> None:
    """Fix how four condition keys get their values, and substitute policy variables."""
    wrap(iam_evaluator, "_resolve_condition_key", "15e26964cd38", _principal_arn_of_the_role)
    wrap(ministack.app, "pin_request_origin", "de819c1bd9ac", _loopback_is_secure)
    wrap(iam_actions, "dynamodb_service_context", "0f0021bdc8a3", _with_leading_keys)
    wrap(iam_actions, "request_tag_context", "d46adb816e02", _with_detail_type)
    wrap(iam_evaluator, "_conditions_met", "15b4c24a03e3", _with_variables)
    wrap(iam_evaluator, "_first_match", "dc96ef4846c7", _with_variables_in_resources)


def _principal_arn_of_the_role(resolve: Any) -> Any:
    """For a role's session aws:PrincipalArn is the role's ARN with its path, not the session's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """

    @functools.wraps(resolve)
    def resolving(key: str, context: Any) -> Any:
        if key.lower() == "aws:principalarn" and ":assumed-role/" in context.principal_arn:
            return role_arn(context.principal_arn)
        return resolve(key, context)

    return resolving


def role_arn(session_arn: str) -> str:
    """The ARN, with its path, of the role that `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION` is a session of."""
    account = session_arn.split(":")[4]
    name = session_arn.split("/")[1]
    role = iam._roles.get_scoped(account, None, name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def _loopback_is_secure(pin: Any) -> Any:
    """aws:SecureTransport is true on loopback, where nobody can eavesdrop; a bucket that denies plain HTTP works here.

    This hides a client configured with http:// against real AWS. Nothing here can show that.
    """

    @functools.wraps(pin)
    def pinning(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, secure_transport or ipaddress.ip_address(source_ip).is_loopback)

    return pinning


def _with_variables(met: Any) -> Any:
    """A condition's values may name other keys, such as ${aws:PrincipalTag/tenant}; an absent key never meets one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """

    @functools.wraps(met)
    def meeting(conditions: dict[str, Any], context: Any) -> bool:
        absent = False

        def value_of(variable: re.Match[str]) -> str:
            nonlocal absent
            value = iam_evaluator._resolve_condition_key(variable[1], context)
            absent = absent or not isinstance(value, str)
            return str(value)

        filled = {
            operator: {key: _filled(expected, value_of) for key, expected in keys.items()}
            for operator, keys in (conditions or {}).items()
        }
        return not absent and bool(met(filled, context))

    return meeting


def _with_variables_in_resources(match: Any) -> Any:
    """A resource may name a key, too; as shipped, it is compared with the variable's name.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-wheretouse
    """

    @functools.wraps(match)
    def matching(context: Any, statements: Any, effect: str) -> Any:
        if not any("${" in resource for statement in statements for resource in statement.resources):
            return match(context, statements, effect)
        for statement in statements:
            # Kept as it is, for whoever asks which statement it was.
            resources = [filled_resource(resource, context) for resource in statement.resources]
            known = [resource for resource in resources if resource is not None]
            if resources and not known:
                continue
            if match(context, [dataclasses.replace(statement, resources=known)], effect):
                return statement
        return None

    return matching


def filled_resource(resource: str, context: Any) -> str | None:
    """Return a statement's resource with the request's values; None when a key is absent, or its value a wildcard."""
    if "${" not in resource:
        return resource
    values = [iam_evaluator._resolve_condition_key(key, context) for key in _KEY_IN_RESOURCE.findall(resource)]
    if not all(isinstance(value, str) and not {"*", "?"} & {*value} for value in values):
        return None
    return _KEY_IN_RESOURCE.sub(lambda _: values.pop(0), resource)


def _filled(expected: Any, value_of: Callable[[re.Match[str]], str]) -> Any:
    if isinstance(expected, list):
        return [_filled(item, value_of) for item in expected]
    return _VARIABLE.sub(value_of, expected) if isinstance(expected, str) else expected


def _with_leading_keys(context_of: Any) -> Any:
    """Without the key `ForAllValues:StringEquals` on dynamodb:LeadingKeys is true for every tenant's rows."""

    @functools.wraps(context_of)
    def contextual(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        keys = sorted({key for key in _leading_keys(request) if key is not None})
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    return contextual


def _with_detail_type(context_of: Any) -> Any:
    """Without the key a policy that requires it refuses every PutEvents.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html (PutEvents)
    """

    @functools.wraps(context_of)
    def contextual(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
        context: dict[str, Any] = context_of(service, action, body, parameters)
        if action != "events:PutEvents":
            return context
        try:
            entries = json.loads(body or b"{}").get("Entries") or []
        except ValueError:
            return context
        kinds = sorted({str(entry.get("DetailType")) for entry in entries})
        return context | {"events:detail-type": kinds[0] if len(kinds) == 1 else kinds}

    return contextual


def _leading_keys(request: dict[str, Any]) -> Iterator[str | None]:
    """The partition keys that a request names; none of a batch's, so that a policy that requires them refuses it."""
    for item in request.get("TransactItems") or []:
        for detail in item.values():
            yield from _leading_keys(detail)
    table = request.get("TableName", "")
    if named := request.get("Key") or request.get("Item"):
        yield _partition_key(table, named)
    if condition := request.get("KeyConditionExpression"):
        names, values = request.get("ExpressionAttributeNames") or {}, request.get("ExpressionAttributeValues") or {}
        attribute = _partition_attribute(table)  # the table's index has the same one
        for name, placeholder in _EQUALITY.findall(condition):
            if names.get(name, name) == attribute:
                yield _text(values.get(placeholder))


def _partition_key(table: str, item: dict[str, Any]) -> str | None:
    return _text(item.get(_partition_attribute(table)))


def _partition_attribute(table: str) -> str:
    schema = (dynamodb._tables.get(table.rsplit("/", 1)[-1]) or {}).get("KeySchema", [])
    return next((part["AttributeName"] for part in schema if part["KeyType"] == "HASH"), "")


def _text(value: dict[str, Any] | None) -> str | None:
    return str(next(iter(value.values()))) if value else None
