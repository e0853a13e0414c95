"""Operator: remove all that TenantML made in a tenant's account and keeps of it here, and say what stays."""

from __future__ import annotations

from typing import Any

from tenantml.aws import registry, removal
from tenantml.domain.tenants import OFFBOARDED
from tenantml.entrypoint import function


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return what was removed and what is left; repeat it until nothing is left, then delete the customer's stack."""
    tenant = registry.get_tenant(str(event.get("tenant")))
    registry.set_tenant_status(tenant.tenant, OFFBOARDED, "off-boarding")
    done = removal.remove_everything(tenant)
    if not done.left_behind:
        done.removed += registry.remove_tenant(tenant)
    return {"tenant": tenant.tenant, "removed": done.removed, "left_behind": done.left_behind}
