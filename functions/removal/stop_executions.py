"""Stop running executions, and remove what they have created."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.entrypoint import function
from tenantml.services import offboarding


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return how many executions were stopped; a repeat stops only those that still run."""
    return {"stopped": offboarding.stop_executions(Offboarding.from_document(event["offboarding"]))}
