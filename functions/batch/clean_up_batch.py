"""Remove what a batch leaves in the customer's account, but for its result."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import transforms
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how much was removed, and what the customer's account no longer lets us remove."""
    return transforms.clean_up(context.run, failed=event["failed"]).as_document()
