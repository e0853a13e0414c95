"""Take back what this run's grant allowed."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import grants
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how many grants were taken back; a repeat takes back none."""
    return {"revoked": grants.revoke(context.run.execution)}
