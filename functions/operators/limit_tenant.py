"""Operator: set how much of the API a tenant may use, and how much of the customer's money its trainings may."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tenantml.domain.pricing.caps import Caps
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.usage_limits import Limits
from tenantml.entrypoint import function
from tenantml.services import quota, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's limits as they are now; a limit that the request leaves out goes back to its default."""
    fields = Limits.__dataclass_fields__ | Caps.__dataclass_fields__
    asked = operator_requests.read(event, dict.fromkeys(fields, int), tenant=str)
    tenant = asked.pop("tenant")
    capped = {name: asked.pop(name) for name in Caps.__dataclass_fields__ if name in asked}
    caps = Caps.from_document(capped)
    limits = Limits.from_document(asked)
    quota.set_limits(registry.get_tenant(tenant).tenant, limits, capped)
    return {"tenant": tenant, "limits": limits.as_document(), "caps": asdict(caps)}
