"""After a failure: stop the job of a training that will not come to a candidate."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import measuring, removal
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return what the customer's account no longer lets us stop; what the training cost until then is counted."""
    stopped = removal.stop_training(context.run).as_document()
    if context.has_begun:
        measuring.settle(context)
    return stopped
