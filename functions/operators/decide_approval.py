"""Operator: approve or refuse a version that awaits an approval, in the tenant's place."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging.approval import OPERATOR, Decision
from tenantml.domain.names import is_model, is_version
from tenantml.domain.tenancy import operator_requests
from tenantml.entrypoint import function
from tenantml.errors import InvalidOperation, NotFound
from tenantml.services import approvals, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the version's approval as it is now; the reason is shown to the tenant."""
    asked = operator_requests.read(event, {"reason": str}, tenant=str, model=str, version=str, decision=str)
    tenant, model, version = asked.pop("tenant"), asked.pop("model"), asked.pop("version")
    decision = Decision.from_document(asked, refusal=InvalidOperation)
    if not (is_model(model) and is_version(version)):
        raise NotFound("no model or version can have this name")
    row = approvals.decide(registry.get_tenant(tenant).tenant, model, version, decision, OPERATOR)
    return {"tenant": tenant, "model": model, "version": version, "approval": row["approval"]}
