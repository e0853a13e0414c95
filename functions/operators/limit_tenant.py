"""Operator: set how much of the API a tenant may use."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.usage_limits import Limits
from tenantml.entrypoint import function
from tenantml.services import quota, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's limits as they are now; a limit that the request leaves out goes back to its default."""
    asked = operator_requests.read(event, dict.fromkeys(Limits.__dataclass_fields__, int), tenant=str)
    tenant = asked.pop("tenant")
    limits = Limits.from_document(asked)
    quota.set_limits(registry.get_tenant(tenant).tenant, limits)
    return {"tenant": tenant, "limits": limits.as_document()}
