"""Rows of the registry, as a test needs them to be there."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training.run import Run
from tenantml.services.registry import keys, table


def put_version(tenant: str, model: str, version: str, document: dict[str, Any]) -> None:
    """Write a version's row: being deployed, and as old as its name says, unless the document says otherwise."""
    begun = {"model": model, "version": version, "status": "deploying", "order": version}
    table.put(keys.version(tenant, model, version), begun | document)


def put_training(run: Run, trained_at: str) -> None:
    """Write the row of a training that is kept."""
    table.put(
        keys.training(run.tenant, run.model, run.execution), {"execution": run.execution, "trained_at": trained_at}
    )
