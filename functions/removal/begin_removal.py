"""First step of an operator's removal of a tenant or a model: nothing of it answers or is accepted from here on."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding, shortened
from tenantml.entrypoint import function
from tenantml.services import offboarding


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be removed, or the report of an earlier removal that left nothing to remove."""
    begun = offboarding.begin(Offboarding.of(event["request"]))
    return begun | {"report": shortened(begun["report"]) if begun["report"] else None}
