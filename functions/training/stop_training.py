"""After a failure: stop the job of a training that will not come to a candidate."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import removal
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return what the customer's account no longer lets us stop."""
    return removal.stop_training(context.run).as_document()
