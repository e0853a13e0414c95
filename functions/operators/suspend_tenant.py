"""Operator: suspend a tenant until an operator activates it again, whatever the probe finds meanwhile."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import ACTIVE, SUSPENDED
from tenantml.entrypoint import function
from tenantml.errors import TenantNotActive
from tenantml.services import registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's new status; the reason is shown to the tenant."""
    asked = operator_requests.read(event, tenant=str, reason=str)
    tenant = registry.get_tenant(asked["tenant"])
    if tenant.status not in {ACTIVE, SUSPENDED}:
        raise TenantNotActive(f"the tenant {tenant.tenant!r} is {tenant.status}: there is nothing to suspend")
    registry.set_tenant_status(tenant.tenant, SUSPENDED, asked["reason"], held=True)
    return {"tenant": tenant.tenant, "status": SUSPENDED, "reason": asked["reason"]}
