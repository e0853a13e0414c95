"""Operator: who the tenants are, how they stand, and the ids of one's API keys."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.entrypoint import function
from tenantml.services import api_keys, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return all tenants, or the one that is asked for with its keys; never a key itself."""
    asked = operator_requests.read(event, optional={"tenant": str})
    if "tenant" not in asked:
        return {"tenants": [tenant.as_document() for tenant in registry.list_tenants()]}
    tenant = registry.get_tenant(asked["tenant"])
    return {"tenants": [tenant.as_document() | {"keys": api_keys.listed(tenant.tenant)}]}
