"""Operator: let a version that was live answer again, in the tenant's place."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging.approval import OPERATOR
from tenantml.domain.names import is_model
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import function
from tenantml.errors import NotFound
from tenantml.services import deployments, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the version that answers again, or that is being deployed for that."""
    asked = operator_requests.read(event, tenant=str, model=str, version=str)
    tenant, model = require_active(registry.find_tenant(asked["tenant"])), asked["model"]
    found = deployments.return_to(tenant, model, asked["version"], OPERATOR) if is_model(model) else None
    if found is None:
        raise NotFound("the tenant has no such model, or the model no such version")
    live = registry.is_live(tenant.tenant, model, found["version"])
    return {"tenant": tenant.tenant, "model": model, "version": found["version"], "live": live}
