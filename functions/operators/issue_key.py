"""Operator: give a tenant another API key, beside the ones that it has or in their place."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.entrypoint import function
from tenantml.errors import TenantNotActive
from tenantml.services import api_keys, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the key, which is shown this once, and what keys there are; with `overlap_seconds` the others end then."""
    asked = operator_requests.read(event, optional={"overlap_seconds": int}, tenant=str)
    tenant = registry.get_tenant(asked["tenant"])
    if tenant.status != ACTIVE:
        raise TenantNotActive(f"the tenant {tenant.tenant!r} is {tenant.status}; activate it first")
    if "overlap_seconds" in asked:
        key = api_keys.rotate(tenant.tenant, operator_requests.overlap_seconds(asked["overlap_seconds"]))
    else:
        key = api_keys.issue(tenant.tenant)
    return {"tenant": tenant.tenant, "api_key": key, "keys": api_keys.listed(tenant.tenant)}
