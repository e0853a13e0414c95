"""Operator: prove that the tenant's access role is what it must be, then issue its first API key."""

from __future__ import annotations

from typing import Any

from tenantml.aws import api_keys, probe, registry
from tenantml.domain.tenants import ACTIVE, REGISTERED
from tenantml.entrypoint import function
from tenantml.errors import TenantError


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the API key, which is shown this once; a role that is not as it must be leaves the tenant inactive,
    with the reason.
    """
    tenant = registry.get_tenant(str(event.get("tenant")))
    try:
        probe.probe(tenant)
    except TenantError as error:
        registry.set_tenant_status(tenant.tenant, REGISTERED, f"{type(error).__name__}: {error}")
        raise
    registry.set_tenant_status(tenant.tenant, ACTIVE)
    return {"tenant": tenant.tenant, "status": ACTIVE, "api_key": api_keys.issue(tenant.tenant)}
