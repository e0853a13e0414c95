"""STS: the only place that assumes a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenantml.aws.clients import Credentials

# The maximum for a role that another role assumes (IAM user guide, "Roles terms and concepts").
SESSION_SECONDS = 3600
SESSION_NAME_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Session:
    """A role's credentials, and when they end in seconds since 1970."""

    credentials: Credentials
    expires_at: float


def assume_role(client: Any, role_arn: str, name: str, *, seconds: int = SESSION_SECONDS, **request: Any) -> Session:
    """Assume a role under a session name, cut to 64 characters; `request` holds further parameters of AssumeRole.

    Raises:
        AwsError: STS refused.
    """
    keys = client.assume_role(
        RoleArn=role_arn, RoleSessionName=name[:SESSION_NAME_CHARACTERS], DurationSeconds=seconds, **request
    )["Credentials"]
    return Session(
        Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]),
        keys["Expiration"].timestamp(),
    )
