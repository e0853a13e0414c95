"""Remove from the customer's account, one kind of thing per state, in the order that AWS needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.entrypoint import function
from tenantml.services import offboarding

STEPS: dict[str, Callable[[Offboarding], Any]] = {
    "StopJobs": offboarding.stop_jobs,
    "RemoveEndpoints": lambda wanted: offboarding.remove_resources(wanted, "endpoint"),
    "RemoveEndpointConfigs": lambda wanted: offboarding.remove_resources(wanted, "endpoint-config"),
    "RemoveModels": lambda wanted: offboarding.remove_resources(wanted, "model"),
    "RemoveObjects": offboarding.remove_objects,
    "CountLeft": offboarding.count_left,
}


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Do what the state is named after; `left` says how much `CountLeft` still found."""
    return {"left": STEPS[event["state"]](Offboarding.from_document(event["offboarding"]))}
