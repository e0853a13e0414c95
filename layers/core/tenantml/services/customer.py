"""The session broker: the only place that assumes a role in a customer's account.

The external ID comes from the registry, never from a request. The session's name is the execution's, so that the
customer's CloudTrail shows which of our executions did what. A session policy narrows each session to the resources
at hand. Role chaining caps a session at 3,600 s (IAM user guide, "Roles terms and concepts"), so every state assumes
the role afresh and keeps nothing. Every request of these clients, AssumeRole included, is an entry of the access
receipt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tenantml.aws import sts
from tenantml.aws.clients import Caller, Credentials, customer_client, new_client, platform
from tenantml.aws.error_codes import ABSENT_ROLE, BUSY, DENIED, NO_ANSWER, AwsError, code_of
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import CustomerAccessRevoked, CustomerThrottled
from tenantml.services import receipts
from tenantml.settings import setting

SESSION_POLICY_CHARACTERS = 2048
PROBE = "tenantml-probe"


@dataclass(frozen=True)
class CustomerSession:
    """Credentials of one tenant's access role, for one purpose; they never enter a state, a log or a cache on disk."""

    tenant: Tenant
    credentials: Credentials
    expires_at: float
    purpose: str

    def client(self, service: str) -> Any:
        """Return a client in the customer's account and region, whose calls are on the receipt."""
        client = customer_client(service, self.credentials, self.tenant.region)
        return receipts.record(client, self.tenant, self.purpose)

    def caller(self, service: str) -> Caller:
        """Return the caller for a client that tenants share; its calls are on the receipt as well."""
        return Caller(self.credentials, receipts.Recorder(self.tenant, self.purpose, service))


def _sts(tenant: Tenant, purpose: str) -> Any:
    """Return an STS client with this function's own role, whose calls are about this tenant and on its receipt."""
    return receipts.record(new_client("sts"), tenant, purpose)


def assume(tenant: Tenant, purpose: str, policy: dict[str, Any]) -> CustomerSession:
    """Assume the tenant's access role, narrowed to `policy`, for `purpose` (an execution, or what the API does).

    Raises:
        CustomerAccessRevoked: the role is gone or no longer trusts us.
        CustomerThrottled: STS throttled the request or did not answer.
        ValueError: the policy exceeds the 2,048 characters that STS accepts: a bug.
    """
    text = json.dumps(policy, separators=(",", ":"))
    if len(text) > SESSION_POLICY_CHARACTERS:
        raise ValueError(f"a session policy has {len(text)} characters, and STS accepts {SESSION_POLICY_CHARACTERS}")
    role_arn = tenant.account.access_role_arn
    try:
        session = sts.assume_role(_sts(tenant, purpose), role_arn, purpose, ExternalId=tenant.external_id, Policy=text)
    except (AwsError, *NO_ANSWER) as error:
        if code_of(error) in DENIED | ABSENT_ROLE:
            raise CustomerAccessRevoked(
                f"{role_arn} can no longer be assumed; apply the on-boarding template again in account "
                f"{tenant.account_id}, unchanged"
            ) from error
        if code_of(error) in BUSY:
            raise CustomerThrottled("STS did not answer AssumeRole; the state tries again") from error
        raise
    return CustomerSession(tenant, session.credentials, session.expires_at, purpose)


def lets_in(tenant: Tenant, external_id: str | None, *, outsider: bool = False) -> bool:
    """Return whether the access role can be assumed with this external ID, or with none; the probe expects a refusal.

    `outsider` asks as a role of our account that no customer is asked to trust.

    Raises:
        CustomerThrottled: STS did not answer, so the result is unknown.
    """
    with_external_id = {} if external_id is None else {"ExternalId": external_id}
    try:
        sts.assume_role(
            _outsider(tenant) if outsider else _sts(tenant, PROBE),
            tenant.account.access_role_arn,
            PROBE,
            seconds=900,
            Policy=json.dumps(session_policies.nothing()),
            **with_external_id,
        )
    except (AwsError, *NO_ANSWER) as error:
        if code_of(error) in DENIED:
            return False
        if code_of(error) in BUSY:
            raise CustomerThrottled("STS did not answer AssumeRole; the next probe tries again") from error
        raise
    return True


def _outsider(tenant: Tenant) -> Any:
    """Return an STS client of the role that customers do not trust."""
    session = sts.assume_role(platform("sts"), setting("OUTSIDER_ROLE"), PROBE, seconds=900)
    return receipts.record(customer_client("sts", session.credentials), tenant, PROBE)
