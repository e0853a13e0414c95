"""Act with an execution role's rights, as SageMaker does.

SageMaker assumes the role as the service `sagemaker.amazonaws.com`, which no caller of STS can be. So the role's trust
policy is evaluated here, for that service, and the session is stored where the emulator keeps those of AssumeRole; from
then on each of its calls goes through the emulator's front door, where identity and bucket policies are enforced.
"""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from local.sagemaker.errors import ApiError, invalid
from local.sagemaker.store import Scope

SERVICE = "sagemaker.amazonaws.com"
SESSION_SECONDS = 12 * 3600

_S3_CONFIG = Config(
    signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, read_timeout=300
)
_session_lock = threading.Lock()


def check_role(role_arn: str, scope: Scope, source_arn: str) -> None:
    """Raise ApiError unless SageMaker may assume the role for the resource `source_arn`."""
    if role_arn.split(":")[4] != scope.account:
        raise invalid("RoleArn: Cross-account pass role is not allowed.")
    if not _trusts_sagemaker(role_arn, scope, source_arn):
        raise _not_assumable(role_arn)


def s3_client(role_arn: str, scope: Scope, source_arn: str) -> Any:
    """A boto3 S3 client of the emulator with the role's rights; raises ApiError when it cannot be assumed."""
    check_role(role_arn, scope, source_arn)
    credentials = _assume(role_arn, scope)
    with _session_lock:  # boto3 makes clients from one thread at a time; they are safe to use from any
        return _session().client(
            "s3",
            region_name=scope.region,
            endpoint_url=own_endpoint_url(),
            config=_S3_CONFIG,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
        )


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


def own_endpoint_url() -> str:
    """Where this process serves the emulated AWS."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


def _assume(role_arn: str, scope: Scope) -> Credentials:
    from ministack.services import iam, sts

    role_name = role_arn.rsplit("/", 1)[-1]
    access_key, secret, token = iam._gen_session_access_key(), iam._gen_secret(), iam._gen_session_token()
    sts.register_session(
        access_key,
        {
            "Arn": f"arn:aws:sts::{scope.account}:assumed-role/{role_name}/SageMaker",
            "UserId": f"{sts._role_id(role_arn)}:SageMaker",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + SESSION_SECONDS,
            "AccountId": scope.account,
            "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": "",
            "SourcePrincipalArn": SERVICE,
            "SessionTags": [],
            "SessionPolicies": None,
        },
    )
    return Credentials(access_key, secret, token)


def _trusts_sagemaker(role_arn: str, scope: Scope, source_arn: str) -> bool:
    from ministack.core import iam_evaluator
    from ministack.services import iam

    role = iam._roles.get_scoped(scope.account, None, role_arn.rsplit("/", 1)[-1])
    if role is None or role["Arn"] != role_arn:
        return False
    document = role["AssumeRolePolicyDocument"]
    policy = json.loads(document) if isinstance(document, str) else document
    context = iam_evaluator.EvalContext(
        principal_arn=SERVICE,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=scope.region,
        service_context={"aws:sourceaccount": scope.account, "aws:sourcearn": source_arn},
    )
    effects = {
        statement.get("Effect") for statement in _list(policy.get("Statement"))
        if iam_evaluator._service_principal_matches(statement.get("Principal"), SERVICE)
        and iam_evaluator._action_matches(
            context.action, _list(statement.get("Action")), _list(statement.get("NotAction"))
        )
        and iam_evaluator._conditions_met(statement.get("Condition", {}), context)
    }  # fmt: skip
    return "Allow" in effects and "Deny" not in effects


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _not_assumable(role_arn: str) -> ApiError:
    return invalid(
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
        f"'{SERVICE}' to assume the role."
    )
