"""Operator: prove that the tenant's access roles are what they must be, then issue its first API key."""

from __future__ import annotations

from typing import Any

from tenantml.domain.access import probe_questions
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.entrypoint import function
from tenantml.services import account_limits, api_keys, registry, standing


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the API key, which is shown this once, or none when the tenant has one already (this also ends a
    suspension), what the account's quotas do not allow, and what the probe cannot see; a role that is not as it must be
    leaves the tenant inactive, with the reason.
    """
    asked = operator_requests.read(event, tenant=str)
    tenant = registry.get_tenant(asked["tenant"])
    standing.activate(tenant)
    key = None if api_keys.listed(tenant.tenant) else api_keys.issue(tenant.tenant)
    return {
        "tenant": tenant.tenant,
        "status": ACTIVE,
        "api_key": key,
        "warnings": account_limits.warnings(tenant),
        "not_proven": [f"{what}: {reason}" for what, reason in probe_questions.CANNOT_SEE.items()],
    }
