"""Operator: end one of a tenant's API keys at once."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.entrypoint import function
from tenantml.services import api_keys, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that are left."""
    asked = operator_requests.read(event, tenant=str, key_id=str)
    tenant = registry.get_tenant(asked["tenant"])
    api_keys.revoke(tenant.tenant, asked["key_id"])
    return {"tenant": tenant.tenant, "keys": api_keys.listed(tenant.tenant)}
