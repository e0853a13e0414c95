"""Delete the copies of the dataset that are no longer needed, and artefacts that are too old to keep."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import removal, retention
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how much was deleted, and what the customer's account no longer lets us delete."""
    removed = removal.clean_up(context.run, failed=event["failed"], delivered=event["delivered"])
    if event["delivered"]:
        retention.prune(context.run, context.settings.keep_versions)
    return removed.as_document()
