"""Operator: who the tenants are, how they stand, and the ids of one's API keys."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.entrypoint import function
from tenantml.services import api_keys, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return all tenants, or the one that is asked for with its keys; never a key itself."""
    asked = operator_requests.read(event, optional={"tenant": str})
    if "tenant" not in asked:
        return {"tenants": [described(tenant) for tenant in registry.list_tenants()]}
    tenant = registry.get_tenant(asked["tenant"])
    return {"tenants": [described(tenant) | {"keys": api_keys.listed(tenant.tenant)}]}


def described(tenant: Tenant) -> dict[str, Any]:
    """Return the tenant as the registry holds it, and when it was last probed."""
    return tenant.as_document() | {"probed_at": registry.probed_at(tenant.tenant)}
