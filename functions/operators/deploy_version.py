"""Operator: deploy a candidate of a training that is kept, in the tenant's place."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.domain.names import is_model
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.tenancy.tenant import require_active
from tenantml.domain.training.deployment_request import DeploymentRequest
from tenantml.entrypoint import function
from tenantml.errors import InvalidOperation, NotFound
from tenantml.services import deployments, registry

OPTIONAL = {"candidate": str, "instance_type": str, "promote": str}


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return which version the candidate becomes; its deployment has begun."""
    asked = operator_requests.read(event, OPTIONAL, tenant=str, model=str, execution=str)
    tenant, model = require_active(registry.find_tenant(asked.pop("tenant"))), asked.pop("model")
    request = DeploymentRequest.from_document(asked, refusal=InvalidOperation)
    found = deployments.request(tenant, model, request, platform("s3").meta.region_name) if is_model(model) else None
    if found is None:
        raise NotFound("the tenant has no such model, or the model no such execution")
    return {"tenant": tenant.tenant, "model": model, "version": found["version"], "status": found["status"]}
