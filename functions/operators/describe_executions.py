"""Operator: the newest executions of a tenant or of all, or one by its name, as their tenants see them."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api import views
from tenantml.domain.api.pagination import DEFAULT_LIMIT, MAX_LIMIT, PageRequest
from tenantml.domain.tenancy import operator_requests
from tenantml.domain.training.execution_outcome import STATUSES
from tenantml.entrypoint import function
from tenantml.errors import InvalidOperation, NotFound
from tenantml.services import registry

Row = dict[str, Any]
MANY_TENANTS = 500  # each is a query, and the function has a minute


@function
def handler(event: Row) -> Row:
    """Return `{"executions"}`: that of `{"execution"}` whole, or at most `limit`, the newest upload first, of a
    `tenant`, a `model`, a `status`.
    """
    asked = operator_requests.read(
        event, dict.fromkeys(("tenant", "model", "status", "execution"), str) | {"limit": int}
    )
    tenants = [registry.get_tenant(asked["tenant"]).tenant] if "tenant" in asked else registry.tenant_names()
    if "execution" in asked:
        return {"executions": [views.execution(find(tenants, asked["execution"]))]}
    limit = asked.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidOperation(f"limit: expected a whole number from 1 to {MAX_LIMIT}")
    if asked.get("status", STATUSES[0]) not in STATUSES:
        raise InvalidOperation(f"status: expected one of {', '.join(STATUSES)}")
    if len(tenants) > MANY_TENANTS:
        raise InvalidOperation(
            f"tenant: expected, since there are {len(tenants):,} tenants, and of {MANY_TENANTS} at most all are listed "
            "together; the dashboard has the failed executions"
        )
    wanted = {name: value for name, value in asked.items() if name in {"model", "status"}}
    rows = newest(tenants, limit, wanted)
    return {"executions": [views.execution_summary(row) for row in rows]}


def find(tenants: list[str], execution: str) -> Row:
    """Return the row of an execution, whose name begins with its tenant's."""
    for tenant in tenants:
        if execution.startswith(f"{tenant}-") and (row := registry.find_execution(tenant, execution)):
            return row
    raise NotFound("there is no such execution")


def newest(tenants: list[str], limit: int, wanted: Row) -> list[Row]:
    """Return the newest executions that are as wanted."""

    def matches(row: Row) -> bool:
        return all(row.get(name) == value for name, value in wanted.items())

    rows: list[Row] = []
    for tenant in tenants:
        found, page = list[Row](), registry.list_executions(tenant, PageRequest(limit, None), matches)
        found += page.rows
        while page.after and len(found) < limit:  # a filtered page may be short
            page = registry.list_executions(tenant, PageRequest(limit, page.after), matches)
            found += page.rows
        rows += found
    return sorted(rows, key=lambda row: str(row["uploaded_at"]), reverse=True)[:limit]
