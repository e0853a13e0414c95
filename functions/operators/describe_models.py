"""Operator: the models of a tenant or of all, and the versions or batches of one, as their tenant sees them."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api import pagination, views
from tenantml.domain.names import is_model
from tenantml.domain.tenancy import operator_requests
from tenantml.entrypoint import function
from tenantml.errors import InvalidOperation, NotFound
from tenantml.services import registry

Row = dict[str, Any]


@function
def handler(event: Row) -> Row:
    """Return a page of the versions of `{"tenant", "model"}`, with `batches` of its batches instead, of the models of
    `{"tenant"}`, or of all models: those of a hundred tenants on a page.
    """
    asked = operator_requests.read(event, dict.fromkeys(("tenant", "model", "next_token"), str) | {"batches": bool})
    if "model" in asked and "tenant" not in asked:
        raise InvalidOperation("model: expected with the tenant whose model it is")
    token = {"next_token": asked["next_token"]} if "next_token" in asked else {}
    wanted = pagination.read(token, pagination.MAX_LIMIT)
    if "tenant" not in asked:
        page = pagination.page_of([{"tenant": name} for name in registry.tenant_names()], wanted)
        return {"models": [each for row in page.rows for each in models(row["tenant"])], "next_token": page.next_token}
    tenant = registry.get_tenant(asked["tenant"]).tenant
    if "model" in asked and asked.get("batches"):
        return batches(tenant, asked["model"], wanted)
    kind, rows = ("versions", versions(tenant, asked["model"])) if "model" in asked else ("models", models(tenant))
    page = pagination.page_of(rows, wanted)
    return {kind: page.rows, "next_token": page.next_token}


def models(tenant: str) -> list[Row]:
    """Return all models of a tenant."""
    return [{"tenant": tenant} | views.model(row, *registry.resumption(row)) for row in registry.all_models(tenant)]


def batches(tenant: str, model: str, wanted: pagination.PageRequest) -> Row:
    """Return a page of the batches of a model, the newest first; no row of their files, and no link to one."""
    find_model(tenant, model)
    page = registry.list_batches(tenant, model, wanted)
    return {"batches": [views.batch(row) for row in page.rows], "next_token": page.next_token}


def find_model(tenant: str, model: str) -> Row:
    """Return the row of a model."""
    row = registry.find_model(tenant, model) if is_model(model) else None
    if row is None:
        raise NotFound("the tenant has no such model")
    return row


def versions(tenant: str, model: str) -> list[Row]:
    """Return the versions of a model, the newest first."""
    find_model(tenant, model)
    rows = registry.all_versions(tenant, model)
    live = find_model(tenant, model).get("live_version")  # later than the versions: one that has just gone live is it
    return [views.version(found, live) for found in rows]
