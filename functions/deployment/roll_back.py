"""After a failure: remove what was created of a version that will not go live."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import removal
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return what was removed, and the ARNs of what the customer's account no longer lets us remove."""
    return removal.roll_back(context.run).as_document()
