"""Operator: suspend a tenant until an operator activates it again, whatever the probe finds meanwhile."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import SUSPENDED
from tenantml.entrypoint import function
from tenantml.services import registry, standing


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's new status; the reason is shown to the tenant."""
    asked = operator_requests.read(event, tenant=str, reason=str)
    tenant = registry.get_tenant(asked["tenant"])
    standing.suspend(tenant, asked["reason"])
    return {"tenant": tenant.tenant, "status": SUSPENDED, "reason": asked["reason"]}
