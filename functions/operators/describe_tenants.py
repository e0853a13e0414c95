"""Operator: who the tenants are, how they stand, and of one the ids of its API keys, and what it uses."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.entrypoint import function
from tenantml.services import api_keys, quota, registry, spending


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return all tenants, or the one that is asked for with the ids of its keys, and what it uses and spends."""
    asked = operator_requests.read(event, optional={"tenant": str})
    if "tenant" not in asked:
        return {"tenants": [described(tenant) for tenant in registry.list_tenants()]}
    tenant = registry.get_tenant(asked["tenant"])
    name = tenant.tenant
    usage = quota.of(name).report() | {"spending": spending.report(name)}
    return {"tenants": [described(tenant) | {"keys": api_keys.listed(name), "usage": usage}]}


def described(tenant: Tenant) -> dict[str, Any]:
    """Return the tenant as the registry holds it, and when it was last probed."""
    return tenant.as_document() | {"probed_at": registry.probed_at(tenant.tenant)}
