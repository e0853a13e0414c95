"""The session broker: the only place that assumes a role in a customer's account.

The external ID comes from the registry, never from a request. The session's name is the execution's, so that the
customer's CloudTrail tells which of our executions did what. A session policy narrows each session to the things at
hand. Role chaining caps a session at 3,600 s (IAM user guide, "Roles terms and concepts"), so every state assumes the
role afresh and keeps nothing. Every request of these clients is an entry of the access receipt, the assumption of the
role included.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tenantml.aws.clients import CONFIG, THROTTLES, Caller, error_code, platform, shared_session
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import CustomerAccessRevoked, CustomerThrottled
from tenantml.services import receipts
from tenantml.settings import setting

SESSION_SECONDS = 3600
SESSION_POLICY_CHARACTERS = 2048
SESSION_NAME_CHARACTERS = 64

REVOKED = {
    "AccessDenied": CustomerAccessRevoked,
    "AccessDeniedException": CustomerAccessRevoked,
    "ExpiredToken": CustomerAccessRevoked,
    "ExpiredTokenException": CustomerAccessRevoked,
    "InvalidClientTokenId": CustomerAccessRevoked,
    "UnrecognizedClientException": CustomerAccessRevoked,
    "ThrottlingException": CustomerThrottled,
    "Throttling": CustomerThrottled,
    "SlowDown": CustomerThrottled,
    "EndpointConnectionError": CustomerThrottled,
}


@dataclass(frozen=True)
class CustomerSession:
    """Credentials of one tenant's access role, for one purpose; they never enter a state, a log or a cache on disk."""

    tenant: Tenant
    credentials: dict[str, str]
    expires_at: float
    purpose: str

    def client(self, service: str) -> Any:
        """Return a client in the customer's account and region; all three keys are explicit, so that it can never
        fall back to ours.
        """
        client = shared_session().create_client(
            service,
            region_name=self.tenant.region,
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials["SessionToken"],
            config=CONFIG,
        )
        return receipts.record(client, self.tenant, self.purpose)

    def caller(self, service: str) -> Caller:
        """Return who calls, for a client that tenants share; what it calls is on the receipt all the same."""
        keys = self.credentials
        return Caller(
            Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]),
            receipts.Recorder(self.tenant, self.purpose, service),
        )


def sts(tenant: Tenant, purpose: str) -> Any:
    """Return an STS client with this function's own role, whose calls are about this tenant and on its receipt."""
    return receipts.record(shared_session().create_client("sts", config=CONFIG), tenant, purpose)


def assume(tenant: Tenant, purpose: str, policy: dict[str, Any]) -> CustomerSession:
    """Assume the tenant's access role, narrowed to `policy`, in the name of `purpose` (an execution, or what the API
    does).

    Raises:
        CustomerAccessRevoked: the role is gone or does not trust us any more.
        CustomerThrottled: STS throttled.
        ValueError: the policy exceeds the 2,048 characters that STS takes: a bug.
    """
    text = json.dumps(policy, separators=(",", ":"))
    if len(text) > SESSION_POLICY_CHARACTERS:
        raise ValueError(f"a session policy has {len(text)} characters, STS takes {SESSION_POLICY_CHARACTERS}")
    role_arn = tenant.account.access_role_arn
    try:
        answer = sts(tenant, purpose).assume_role(
            RoleArn=role_arn,
            RoleSessionName=purpose[:SESSION_NAME_CHARACTERS],
            ExternalId=tenant.external_id,
            DurationSeconds=SESSION_SECONDS,
            Policy=text,
        )
    except ClientError as error:
        if error_code(error) in {"AccessDenied", "NoSuchEntity"}:
            raise CustomerAccessRevoked(
                f"{role_arn} cannot be assumed any more; apply the on-boarding template again in account "
                f"{tenant.account_id}, unchanged"
            ) from error
        if error_code(error) in {"Throttling", "ThrottlingException"}:
            raise CustomerThrottled("STS throttled AssumeRole; the state tries again") from error
        raise
    found = answer["Credentials"]
    return CustomerSession(
        tenant=tenant,
        credentials={name: found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")},
        expires_at=found["Expiration"].timestamp(),
        purpose=purpose,
    )


def lets_in(tenant: Tenant, external_id: str | None, *, outsider: bool = False) -> bool:
    """Say whether the access role can be assumed with this external ID, or with none: for the probe, which expects no.

    `outsider` asks as a role of our account that no customer is told to trust.

    Raises:
        CustomerThrottled: STS throttled, so nothing is known.
    """
    given = {} if external_id is None else {"ExternalId": external_id}
    try:
        (_outsider(tenant) if outsider else sts(tenant, "tenantml-probe")).assume_role(
            RoleArn=tenant.account.access_role_arn,
            RoleSessionName="tenantml-probe",
            DurationSeconds=900,
            Policy=json.dumps(session_policies.nothing()),
            **given,
        )
    except ClientError as error:
        if error_code(error) == "AccessDenied":
            return False
        if error_code(error) in THROTTLES:
            raise CustomerThrottled("STS throttled AssumeRole; the next probe tries again") from error
        raise
    return True


def _outsider(tenant: Tenant) -> Any:
    """Return an STS client of the role that customers do not trust."""
    answer = platform("sts").assume_role(
        RoleArn=setting("OUTSIDER_ROLE"), RoleSessionName="tenantml-probe", DurationSeconds=900
    )
    found = answer["Credentials"]
    client = shared_session().create_client(
        "sts",
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
        config=CONFIG,
    )
    return receipts.record(client, tenant, "tenantml-probe")
