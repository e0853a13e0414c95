"""Operator: pause a model, or resume it, in the tenant's place."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api import views
from tenantml.domain.judging.approval import OPERATOR
from tenantml.domain.names import is_model
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import function
from tenantml.errors import NotFound
from tenantml.services import deployments, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the model as its tenant sees it: with `paused`, nothing of it answers from now on; without, its state says
    when it answers again.
    """
    asked = operator_requests.read(event, tenant=str, model=str, paused=bool)
    tenant, model = require_active(registry.find_tenant(asked["tenant"])), asked["model"]
    if not is_model(model):
        raise NotFound("no model can have this name")
    (deployments.pause if asked["paused"] else deployments.resume)(tenant, model, OPERATOR)
    row = registry.get_model(tenant.tenant, model)
    return {"tenant": tenant.tenant} | views.model(row, *registry.resumption(row))
