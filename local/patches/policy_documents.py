"""Refusals of policy documents that AWS refuses and the emulator stores: malformed, too long, of unknown principals."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Final

from ministack.services import iam, s3
from ministack.services.cloudformation import provisioners

from local import NO_ACCOUNT
from local.patches.emulator import wrap

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
BUCKET_POLICY_BYTES: Final = 20 * 1024

_ACCOUNT = re.compile(r"\d{12}|arn:aws:iam::\d{12}:root")
_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_OBJECT_ACTION = re.compile(
    r"s3:(Get|Put|Delete|Restore)Object(?!Lock)|s3:(AbortMultipartUpload|ListMultipartUploadParts)"
)
_BUCKET_ACTION = re.compile(r"s3:(ListBucket|\w+Bucket|\w+Configuration$)")


class _Refused(Exception):
    """AWS's message about a policy document that it refuses."""


def apply() -> None:
    """Check trust policies and those of buckets and access points, through the API and through CloudFormation."""
    wrap(iam, "_trust_policy_not_principal_error", "a8f0de38b24d", _check_trust_policy)
    wrap(s3, "_put_bucket_policy", "0496f198bf50", _check_bucket_policy)
    wrap(s3, "_access_point_policy", "f2a14427e1d2", _check_access_point_policy)
    wrap(provisioners, "_s3_bucket_policy_create", "3f5b8eaf6b55", _check_declared_bucket_policy)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::BucketPolicy"]
    handlers["create"] = provisioners._s3_bucket_policy_create


def _check_trust_policy(error_of: Any) -> Any:
    @functools.wraps(error_of)
    def checking(document: Any) -> str | None:
        try:
            for statement in _statements(document, "This policy contains invalid Json"):
                if "Resource" in statement:
                    raise _Refused("Has prohibited field Resource")
                if "Principal" not in statement and "NotPrincipal" not in statement:
                    raise _Refused("Missing required field Principal")
                if stranger := _nobody(statement):
                    raise _Refused(f'Invalid principal in policy: "AWS":"{stranger}"')
        except _Refused as refused:
            return str(refused)
        message: str | None = error_of(document)
        return message

    return checking


def _check_bucket_policy(put: Any) -> Any:
    @functools.wraps(put)
    def checking(name: str, body: bytes) -> Any:
        if len(body) > BUCKET_POLICY_BYTES:
            return s3._error("PolicyTooLarge", "Policy exceeds the maximum allowed document size.", 400, f"/{name}")
        try:
            _require_bucket_policy(name, body.decode("utf-8", errors="replace"))
        except _Refused as refused:
            return s3._error("MalformedPolicy", str(refused), 400, f"/{name}")
        return put(name, body)

    return checking


def _check_declared_bucket_policy(create: Any) -> Any:
    @functools.wraps(create)
    def checking(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        document = json.dumps(properties.get("PolicyDocument", {}))
        try:
            _require_bucket_policy(properties.get("Bucket", ""), document)
        except _Refused as refused:
            raise ValueError(f"{refused} (Service: S3, Status Code: 400, Error Code: MalformedPolicy)") from None
        return create(logical_id, properties, stack_name)

    return checking


def _check_access_point_policy(write: Any) -> Any:
    @functools.wraps(write)
    def checking(name: str, method: str, body: bytes) -> Any:
        if method == "PUT" and s3._access_points.get(name):
            document = s3._child_text(s3.fromstring(body), "Policy") or ""
            arn = s3.access_point_arn(name)
            try:
                if len(document.encode()) > BUCKET_POLICY_BYTES:
                    raise _Refused("Policy exceeds the maximum allowed document size.")
                _require_policy(document, arn, (f"{arn}/object/",))
            except _Refused as refused:
                return s3.s3control_error("MalformedPolicy", str(refused), 400)
        return write(name, method, body)

    return checking


def _require_bucket_policy(bucket: str, document: str) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    _require_policy(document, arn, (f"{arn}/", f"{arn}*"))


def _require_policy(document: str, arn: str, of_objects_begin: tuple[str, ...]) -> None:
    for statement in _statements(document, "Policies must be valid JSON and the first byte must be '{'"):
        for field in ("Principal", "Action", "Resource"):
            if field not in statement and f"Not{field}" not in statement:
                raise _Refused(f"Missing required field {field}")
        resources, actions = _values(statement.get("Resource")), _values(statement.get("Action"))
        if any(resource != arn and not resource.startswith(of_objects_begin) for resource in resources):
            raise _Refused("Policy has invalid resource")
        if any(action != "*" and not action.startswith("s3:") for action in actions):
            raise _Refused("Policy has invalid action")
        of_objects = any(resource.startswith(of_objects_begin) for resource in resources)
        of_the_bucket = any("/" not in resource.removeprefix(arn) for resource in resources)
        for action in actions if resources else []:
            is_object_action = _OBJECT_ACTION.match(action)
            is_bucket_action = not is_object_action and _BUCKET_ACTION.match(action)
            if (is_object_action and not of_objects) or (is_bucket_action and not of_the_bucket):
                raise _Refused("Action does not apply to any resource(s) in statement")
        if _nobody(statement):
            raise _Refused("Invalid principal in policy")


def _statements(document: Any, not_json: str) -> list[dict[str, Any]]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            raise _Refused(not_json) from None
    statements = document.get("Statement") if isinstance(document, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements or not all(isinstance(item, dict) for item in statements):
        raise _Refused("Missing required field Statement")
    for statement in statements:
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise _Refused(f"Invalid effect : {statement.get('Effect')}")
        if "Action" not in statement and "NotAction" not in statement:
            raise _Refused("Missing required field Action")
    return statements


def _values(field: Any) -> list[str]:
    return [field] if isinstance(field, str) else [str(value) for value in field or []]


def _nobody(statement: dict[str, Any]) -> str | None:
    """The first AWS principal of a statement that does not exist."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict):
        return None if principal in (None, "*") else str(principal)
    return next((name for name in _values(principal.get("AWS")) if not _exists(name)), None)


def _exists(principal: str) -> bool:
    if principal == "*" or _ACCOUNT.fullmatch(principal):
        return NO_ACCOUNT not in principal
    named = _ROLE.fullmatch(principal)
    role = iam._roles.get_scoped(named[1], None, named[2]) if named else None
    return role is not None and bool(role["Arn"] == principal)
