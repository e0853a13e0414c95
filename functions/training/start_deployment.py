"""Start the deployment of the chosen candidate, which says how the upload ended."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import deployments
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the name of the deployment's execution; a repeat finds it started."""
    return {"deployment": deployments.start_own(context.run, context.account, event["candidate"], event["left_behind"])}
