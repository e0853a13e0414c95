"""Revoke this run's grant."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import grants
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how many grants were revoked; a repeat revokes none."""
    return {"revoked": grants.revoke(context.run.execution)}
