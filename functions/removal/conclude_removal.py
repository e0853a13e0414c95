"""Conclude a removal: note what remains, delete the registry's rows, and report."""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.removal_report import Offboarding, shortened
from tenantml.entrypoint import function, logger
from tenantml.services import offboarding


@function
def handler(event: dict[str, Any]) -> dict[str, Any] | None:
    """Do what the state's name says; the two reporting states return the report, its lists cut to a state's size."""
    removal = Offboarding.from_document(event["offboarding"])
    match event["state"]:
        case "NoteRemains":
            offboarding.note_remains(removal)
        case "ForgetRows":
            offboarding.forget_rows(removal)
        case state:
            report = shortened(offboarding.conclude(removal, complete=state == "ReportComplete"))
            logger.info("removal concluded", extra={"counts": report["counts"]})
            return report
    return None
