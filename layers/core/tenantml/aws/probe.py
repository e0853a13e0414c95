"""The probe: before a tenant is active, prove that its access role lets us in, and lets nobody in without our
external ID.

A survey of 90 vendors found that half did not check it; a role that trusts our account without the condition can be
used through us by
any other tenant that names it.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from botocore.exceptions import ClientError

from tenantml.aws.clients import error_code, platform
from tenantml.aws.customer import assume
from tenantml.domain import session_policies
from tenantml.domain.tenants import Tenant
from tenantml.errors import CustomerAccessRevoked, RoleNotAssumable, TrustTooOpen


def probe(tenant: Tenant) -> None:
    """Return when the role is as it must be.

    Raises:
        RoleNotAssumable: it refuses us, or is in another account than declared.
        TrustTooOpen: it lets us in with no external ID, or with any.
    """
    try:
        session = assume(tenant, "tenantml-probe", session_policies.probe())
    except CustomerAccessRevoked as error:
        raise RoleNotAssumable(
            f"{tenant.account.access_role_arn} cannot be assumed with this tenant's external ID; apply the "
            "on-boarding template with the given parameters"
        ) from error
    account_id = session.client("sts").get_caller_identity()["Account"]
    if account_id != tenant.account_id:
        raise RoleNotAssumable(
            f"the role is in account {account_id}, registered is {tenant.account_id}; register the right account"
        )
    for label, wrong in (("no external ID", {}), ("a random external ID", {"ExternalId": secrets.token_urlsafe(16)})):
        if _lets_in(tenant, wrong):
            raise TrustTooOpen(
                f"{tenant.account.access_role_arn} can be assumed with {label}; apply the on-boarding template "
                "unchanged"
            )


def _lets_in(tenant: Tenant, external_id: dict[str, Any]) -> bool:
    try:
        platform("sts").assume_role(
            RoleArn=tenant.account.access_role_arn,
            RoleSessionName="tenantml-probe",
            DurationSeconds=900,
            Policy=json.dumps(session_policies.probe()),
            **external_id,
        )
    except ClientError as error:
        if error_code(error) == "AccessDenied":
            return False
        raise
    return True
