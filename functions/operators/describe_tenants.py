"""Operator: who the tenants are, how they stand, and of one the ids of its API keys, and what it uses."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api import pagination
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.entrypoint import function
from tenantml.services import api_keys, quota, registry, spending


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return a page of all tenants, or the one asked for with the ids of its keys, what it uses and spends."""
    asked = operator_requests.read(event, optional={"tenant": str, "next_token": str})
    if "tenant" in asked:
        tenant = registry.get_tenant(asked["tenant"])
        name = tenant.tenant
        usage = quota.of(name).report() | {"spending": spending.report(name)}
        return {"tenants": [described(tenant) | {"keys": api_keys.listed(name), "usage": usage}]}
    page = pagination.page_of(
        [{"tenant": name} for name in registry.tenant_names()], pagination.read(asked, pagination.MAX_LIMIT)
    )
    tenants = [other for row in page.rows if (other := registry.find_tenant(row["tenant"]))]
    return {"tenants": [described(other) for other in tenants], "next_token": page.next_token}


def described(tenant: Tenant) -> dict[str, Any]:
    """Return the tenant as the registry holds it, and when it was last probed."""
    return tenant.as_document() | {"probed_at": registry.probed_at(tenant.tenant)}
