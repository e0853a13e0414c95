"""Batches: executions of their own kind, which are not in the list of uploads, and their results until these go."""

from __future__ import annotations

from typing import Any

from tenantml.domain.api.pagination import Page, PageRequest
from tenantml.domain.names import batch_execution
from tenantml.domain.training.run import Run
from tenantml.services.registry import keys, table

Row = dict[str, Any]


def begin_batch(run: Run, document: Row) -> None:
    """Make a batch visible, the first time that its execution runs; a repeat changes nothing."""
    table.update(
        keys.execution(run.tenant, run.execution),
        {**run.as_document(), "status": "running", "started_at": table.now(), **document},
        "attribute_not_exists(pk)",
    )


def end_batch(tenant: str, execution: str, values: Row) -> bool:
    """Write how a batch ended, once; return False when it had ended before, or is not known."""
    return table.update(
        keys.execution(tenant, execution),
        {**values, "announced": False, "ended_at": table.now()},
        "attribute_exists(pk) AND attribute_not_exists(ended_at)",
    )


def running_batches(tenant: str, model: str) -> list[Row]:
    """Return the rows of a model's batches whose file has come and which have not ended."""
    rows = table.query(keys.execution(tenant, batch_execution(tenant, model, "")))
    return [row for row in rows if "batch" in row and row["model"] == model and "ended_at" not in row]


def list_batches(tenant: str, model: str, page: PageRequest) -> Page:
    """Return a page of a model's batches whose file has come, newest first."""
    beginning = keys.execution(tenant, batch_execution(tenant, model, ""))
    return table.read_page(
        beginning, page, newest_first=True, matches=lambda row: "batch" in row and row["model"] == model
    )


def remember_result(run: Run, expires_at: str) -> None:
    """Note when the result of a batch is to be deleted in the customer's bucket."""
    values = {"tenant": run.tenant, "model": run.model, "execution": run.execution}
    table.update(keys.result(run.tenant, expires_at, run.execution), values)


def expired_results(tenant: str) -> list[Row]:
    """Return the rows of the tenant's results that are to be deleted by now, the oldest first."""
    now = table.now()
    return [row for row in table.query(keys.of_tenant(tenant, f"{keys.RESULT}#")) if row["sk"].split("#")[1] <= now]


def forget_result(row: Row) -> None:
    """Note that a result is deleted."""
    table.delete(keys.of(row))
