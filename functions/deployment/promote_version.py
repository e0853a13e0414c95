"""Make the new version the one that answers."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Move the registry's pointer in one conditional write, and return the version that was live before."""
    run = context.run
    return {"previous": registry.promote(run.tenant, run.model, run.version)}
