"""Take back what this run's grant allowed."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.services import grants


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return how many grants were taken back; a repeat takes back none."""
    return {"revoked": grants.revoke(run.execution)}
