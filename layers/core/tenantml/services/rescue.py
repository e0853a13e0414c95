"""Rescue: the failure path for executions that ended without running one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tenantml.aws import stepfunctions
from tenantml.aws.error_codes import ours
from tenantml.domain.training.execution_outcome import FROM_OUTSIDE
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import TransientError
from tenantml.services import outcomes, registry, removal

CAUSES = FROM_OUTSIDE | {
    # Every failure path ends with its record; one that could not be written is written by the sweep.
    "FAILED": {"Error": "OutcomeNotRecorded", "Cause": "the execution failed and could not record why"},
}


def rescue(upload: Upload, status: str) -> dict[str, Any]:
    """Remove what a stopped (`ABORTED`) or timed-out (`TIMED_OUT`) execution left, and record its outcome.
    Repeatable.

    Raises:
        StillChanging: something of it is still being created or stopped; the outcome is recorded when it is removed.
    """
    tenant = upload.key.split("/")[0]
    row = registry.find_execution(tenant, upload.execution)
    left_behind = []
    if row and "ended_at" not in row:
        run = Run(row["execution"], row["tenant"], row["model"], row["version"])
        left_behind = (
            removal.roll_back(run).left_behind + removal.clean_up(run, failed=True, delivered=True).left_behind
        )
    return outcomes.record(upload, CAUSES[status], left_behind)


def rescue_lost() -> list[str]:
    """Rescue executions that ended in one of these ways without an announcement; return their names.

    One whose resources are still changing, or cannot be reached now, waits for the next sweep.
    """
    rescued = []
    for status in CAUSES:
        for name, started in stepfunctions.ended_as(status):
            upload = Upload(**started)
            owner = upload.key.split("/")[0]
            row = registry.find_execution(owner, name)
            if row and not row.get("announced"):
                with suppress(TransientError), ours():
                    rescue(upload, status)
                    rescued.append(name)
    return rescued
