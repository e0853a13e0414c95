"""Operator: who the tenants are, how they stand, and the ids of one's API keys."""

from __future__ import annotations

from typing import Any

from tenantml.aws import api_keys, registry
from tenantml.domain import operations
from tenantml.entrypoint import function


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return all tenants, or the one that is asked for with its keys; never a key itself."""
    asked = operations.read(event, optional={"tenant": str})
    if "tenant" not in asked:
        return {"tenants": [tenant.as_document() for tenant in registry.list_tenants()]}
    tenant = registry.get_tenant(asked["tenant"])
    return {"tenants": [tenant.as_document() | {"keys": api_keys.listed(tenant.tenant)}]}
