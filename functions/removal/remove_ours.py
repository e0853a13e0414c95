"""Remove from our own account: uploads and what is staged."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.entrypoint import function
from tenantml.services import offboarding


@function
def handler(event: dict[str, Any]) -> None:
    """Remove them and note them in the report."""
    offboarding.remove_ours(Offboarding.from_document(event["offboarding"]))
