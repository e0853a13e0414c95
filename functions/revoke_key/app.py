"""Operator: end one of a tenant's API keys at once."""

from __future__ import annotations

from typing import Any

from tenantml.aws import api_keys, registry
from tenantml.domain import operations
from tenantml.entrypoint import function


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that are left."""
    asked = operations.read(event, tenant=str, key_id=str)
    tenant = registry.get_tenant(asked["tenant"])
    api_keys.revoke(tenant.tenant, asked["key_id"])
    return {"tenant": tenant.tenant, "keys": api_keys.listed(tenant.tenant)}
