"""Remove resources from the customer's account, one kind per state, in the order that AWS needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.entrypoint import function
from tenantml.services import offboarding

STEPS: dict[str, Callable[[Offboarding], Any]] = {
    "StopJobs": offboarding.stop_jobs,
    "HandOver": offboarding.hand_over,
    "RemoveEndpoints": lambda removal: offboarding.remove_resources(removal, "endpoint"),
    "RemoveEndpointConfigs": lambda removal: offboarding.remove_resources(removal, "endpoint-config"),
    "RemoveModels": lambda removal: offboarding.remove_resources(removal, "model"),
    "RemoveObjects": offboarding.remove_objects,
    "CountLeft": offboarding.count_left,
}


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Do what the state's name says; `left` is the number of resources that `CountLeft` still found."""
    return {"left": STEPS[event["state"]](Offboarding.from_document(event["offboarding"]))}
