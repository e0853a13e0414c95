"""Operator: set how much of the API a tenant may use."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.usage_limits import Limits
from tenantml.entrypoint import function
from tenantml.errors import InvalidLimits
from tenantml.services import quota, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's limits as they are now; a limit that the request leaves out goes back to its default."""
    tenant = event.get("tenant")
    if not isinstance(tenant, str) or not tenant:
        raise InvalidLimits("tenant: missing; name the tenant to limit")
    limits = Limits.from_document({name: value for name, value in event.items() if name != "tenant"})
    quota.set_limits(registry.get_tenant(tenant).tenant, limits)
    return {"tenant": tenant, "limits": limits.as_document()}
