"""Executions: every upload and its outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenantml.domain.api.pagination import Page, PageRequest
from tenantml.domain.training.run import Run
from tenantml.services.registry import keys, table

UPLOADS_INDEX = "uploads"  # by tenant and time of upload; only executions are in it


def add_execution(tenant: str, execution: str, document: dict[str, Any]) -> None:
    """Make an upload visible, the first time that its execution runs; a repeat changes nothing."""
    table.put(
        keys.execution(tenant, execution),
        {
            "execution": execution,
            "status": "running",
            "started_at": table.now(),
            "uploaded_at": document["upload"]["uploaded_at"],
            **document,
        },
        "attribute_not_exists(pk)",
    )


def update_execution(tenant: str, execution: str, values: dict[str, Any]) -> None:
    """Note the progress of an execution that the registry knows; off-boarding may have removed it meanwhile."""
    table.update(keys.execution(tenant, execution), values, "attribute_exists(pk)")


def note_progress(run: Run, values: dict[str, Any]) -> None:
    """Note the progress of a run: at its execution, or at the version where that is not the execution's own."""
    own = table.update(keys.execution(run.tenant, run.execution), values, "version = :version", version=run.version)
    if not own:
        table.update(keys.version(run.tenant, run.model, run.version), values, "attribute_exists(pk)")


def end_execution(tenant: str, execution: str, values: dict[str, Any]) -> bool:
    """Write how an execution ended, once; return False when it had ended before."""
    return table.update(
        keys.execution(tenant, execution),
        {
            "execution": execution,
            **values,
            "uploaded_at": values["upload"]["uploaded_at"],  # a refused upload's row begins here
            "ended_at": table.now(),
        },
        "attribute_not_exists(ended_at)",
    )


def find_execution(tenant: str, execution: str) -> dict[str, Any] | None:
    """Return an execution's row, or None."""
    return table.get(keys.execution(tenant, execution))


def is_running(tenant: str, model: str) -> bool:
    """Return whether an upload or a batch of the model is under way: one has a place among what the tenant may spend,
    or the model's turn is that of an upload that has not ended. Three rows say so, however many executions there were.
    """
    places = (table.get(keys.spending(tenant)) or {}).get("places", {})
    if any(place["model"] == model for place in places.values()):
        return True
    turn = (table.get(keys.model(tenant, model)) or {}).get("turn")
    holder = find_execution(tenant, turn["execution"]) if turn else None
    return holder is not None and "ended_at" not in holder


def require_execution(tenant: str, execution: str) -> dict[str, Any]:
    """Return the row of a running execution.

    Raises:
        LookupError: there is none: a bug, for the first state writes it.
    """
    row = find_execution(tenant, execution)
    if row is None:
        raise LookupError(f"the registry has no execution {execution}")
    return row


def list_executions(tenant: str, page: PageRequest, matches: Callable[[dict[str, Any]], bool]) -> Page:
    """Return a page of the tenant's executions, the newest upload first, of those that `matches` accepts."""
    return table.read_page(keys.execution(tenant, ""), page, newest_first=True, index=UPLOADS_INDEX, matches=matches)
