"""The session broker: the only place that assumes a role in a customer's account.

There are two: training access, which the pipeline assumes, and prediction access, which may invoke endpoints and do
nothing else. Each trusts its own role path in our account, so a function of the one path cannot enter the other role.
The external ID comes from the registry, never from a request. The session's name is the execution's, so that the
customer's CloudTrail shows which of our executions did what. A session policy narrows each session to the resources
at hand. Role chaining caps a session at 3,600 s (IAM user guide, "Roles terms and concepts"), so every state assumes
the role afresh and keeps nothing. Every request of these clients, AssumeRole included, is an entry of the access
receipt.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from tenantml.aws import sts
from tenantml.aws.clients import (
    BoundClient,
    Caller,
    Credentials,
    own_credentials,
    platform,
    unbound_client,
)
from tenantml.aws.error_codes import ABSENT_ROLE, BUSY, DENIED, NO_ANSWER, AwsError, code_of
from tenantml.domain.access import session_policies
from tenantml.domain.names import PREDICTION, TRAINING, Access
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import CustomerAccessRevoked, CustomerThrottled
from tenantml.services import receipts

SESSION_POLICY_CHARACTERS = 2048
PROBE = "tenantml-probe"
SHORTEST_SECONDS = 900  # STS's shortest session (STS API reference, AssumeRole)
LEFT_SECONDS = 120  # what a kept session of a role of ours must have left
# A session outlives a change of the external ID or of the trust, so those that predictions keep are short.
SESSION_SECONDS: dict[Access, int] = {TRAINING: sts.SESSION_SECONDS, PREDICTION: SHORTEST_SECONDS}


@dataclass(frozen=True)
class CustomerSession:
    """Credentials of an access role of a tenant, for one purpose; they never enter a state, a log or a file."""

    tenant: Tenant
    credentials: Credentials
    expires_at: float
    purpose: str

    def client(self, service: str) -> Any:
        """Return a client in the customer's account and region, whose calls are on the receipt."""
        client = unbound_client(service, self.tenant.region)
        return BoundClient(client, self.caller(client.meta.service_model.signing_name))

    def caller(self, service: str) -> Caller:
        """Return the caller for a client that tenants share; its calls are on the receipt as well. The service is named
        as in IAM's actions.
        """
        return Caller(self.credentials, receipts.Recorder(self.tenant, self.purpose, service))


_OURS: dict[tuple[str, str], sts.Session] = {}


def _own_session(role_arn: str, purpose: str) -> Credentials:
    """Return credentials of a role of ours that this process keeps: a probe asks as each several times, and STS counts
    every AssumeRole.
    """
    session = _OURS.get((role_arn, purpose))
    if session is None or session.expires_at < time.time() + LEFT_SECONDS:
        session = sts.assume_role(platform("sts"), role_arn, purpose, seconds=SHORTEST_SECONDS)
        _OURS[role_arn, purpose] = session
    return session.credentials


def _caller(tenant: Tenant, purpose: str, through: str) -> Caller:
    """Return who assumes a customer's role: this function's own role, or a role of ours, `through`. That we may not be
    it is no answer of the customer's.
    """
    ours = _own_session(through, purpose) if through else own_credentials()
    return Caller(ours, receipts.Recorder(tenant, purpose, "sts"))


def _assume(caller: Caller, role_arn: str, purpose: str, **request: Any) -> sts.Session:
    """Assume a customer's role; the call is on the receipt."""
    return sts.assume_role(unbound_client("sts"), role_arn, purpose, **request, Caller=caller)


def assume(
    tenant: Tenant, purpose: str, policy: dict[str, Any], access: Access = TRAINING, *, through: str = ""
) -> CustomerSession:
    """Assume one of the tenant's access roles, narrowed to `policy`, for `purpose` (an execution, or what the API
    does); `through` is the ARN of a role of ours to do so as.

    Raises:
        CustomerAccessRevoked: the role is gone or no longer trusts us.
        CustomerThrottled: STS throttled the request or did not answer.
        ValueError: the policy exceeds the 2,048 characters that STS accepts: a bug.
    """
    text = json.dumps(policy, separators=(",", ":"))
    if len(text) > SESSION_POLICY_CHARACTERS:
        raise ValueError(f"a session policy has {len(text)} characters, and STS accepts {SESSION_POLICY_CHARACTERS}")
    role_arn, caller = tenant.roles.access(access), _caller(tenant, purpose, through)
    try:
        session = _assume(
            caller,
            role_arn,
            purpose,
            seconds=SESSION_SECONDS[access],
            ExternalId=tenant.external_id,
            Policy=text,
        )
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


def lets_in(tenant: Tenant, access: Access, external_id: str | None, *, through: str = "") -> bool:
    """Return whether an access role can be assumed with this external ID, or with none; the probe expects a refusal.

    `through` is the ARN of a role of ours to ask as.

    Raises:
        CustomerThrottled: STS did not answer, so the result is unknown.
    """
    with_external_id = {} if external_id is None else {"ExternalId": external_id}
    caller = _caller(tenant, PROBE, through)
    try:
        _assume(
            caller,
            tenant.roles.access(access),
            PROBE,
            seconds=SHORTEST_SECONDS,
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
