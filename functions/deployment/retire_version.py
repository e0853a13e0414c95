"""Remove what answers no more, after its last requests: the version that was live before, or the one that it took over
from again.
"""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import removal
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how much was removed in the customer's account."""
    return removal.retire(context.run, event["version"], event["drained_from"]).as_document()
