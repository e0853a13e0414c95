"""What remains, what is forgotten, and the report of a removal."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding, shortened
from tenantml.entrypoint import function
from tenantml.services import offboarding


@function
def handler(event: dict[str, Any]) -> dict[str, Any] | None:
    """Do what the state is named after; the two that report return the report, its lists cut to a state's size."""
    wanted = Offboarding.from_document(event["offboarding"])
    match event["state"]:
        case "NoteRemains":
            offboarding.note_remains(wanted)
        case "ForgetRows":
            offboarding.forget_rows(wanted)
        case state:
            return shortened(offboarding.conclude(wanted, complete=state == "ReportComplete"))
    return None
