"""Prove a tenant's access roles again: suspend it if they fail, and reactivate it once they pass."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import function, logger
from tenantml.services import registry, standing


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's status, and what it was; both are null for a tenant that is gone."""
    tenant = registry.find_tenant(event["tenant"])
    if tenant is None:
        return {"status": None, "was": None}
    logger.append_keys(tenant=tenant.tenant)
    probed = {"status": standing.probe_again(tenant), "was": tenant.status}
    logger.info("probed", extra=probed)
    return probed
