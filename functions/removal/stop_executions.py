"""Stop what still runs, and remove what it had made so far."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.entrypoint import function
from tenantml.services import offboarding


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return how many executions were stopped; a repeat finds those alone that are not over yet."""
    return {"stopped": offboarding.stop_executions(Offboarding.from_document(event["offboarding"]))}
