"""Rows of the registry, as a test needs them to be there."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training.run import Run
from tenantml.services.registry import keys, table


def put_version(tenant: str, model: str, version: str, document: dict[str, Any]) -> None:
    """Write a version's row: being deployed, and as old as its name says, unless the document says otherwise."""
    begun = {"model": model, "version": version, "status": "deploying", "order": order_of(version), "settings": {}}
    table.put(keys.version(tenant, model, version), begun | document)


def order_of(version: str) -> str:
    """Return the time in a version's name, by which it is older or newer than another."""
    digits = version[1:].replace("-", "")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}Z"


def put_training(run: Run, trained_at: str) -> None:
    """Write the row of a training that is kept."""
    table.put(
        keys.training(run.tenant, run.model, run.execution), {"execution": run.execution, "trained_at": trained_at}
    )
