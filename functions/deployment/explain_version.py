"""Read what Autopilot explains of the candidate, and keep it with the version."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import explanations
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return where the importance of the columns comes from, and of how many it is known."""
    return explanations.explain(context, event["candidate"])
