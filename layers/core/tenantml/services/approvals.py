"""Approvals: a deployment waits for a person's word, which is in the registry; a task token only wakes it."""

from __future__ import annotations

from typing import Any

from tenantml.aws import events, stepfunctions
from tenantml.domain.judging.approval import Decision
from tenantml.domain.training.run import Run
from tenantml.services import registry


def request(run: Run, token: str, attempt: int, hours: int) -> None:
    """Note that the run's version awaits an approval, and publish it. Repeatable: the token of the latest attempt
    counts, whichever writes last.

    The row is written before the event is sent and marked after it, so that a crash between the two publishes it again
    rather than never.

    Raises:
        AlreadyDecided: somebody has decided already.
        NotFound: the version is gone, or is being removed.
    """
    row = registry.ask_for_approval(run, token, attempt, hours)
    if not row.get("approval_announced"):
        events.publish("Approval Wanted", run.as_document() | {"until": row["approval"]["until"]})
        registry.update_version(run.tenant, run.model, run.version, {"approval_announced": True})


def decide(tenant: str, model: str, version: str, decision: Decision, by: str) -> dict[str, Any]:
    """Write what somebody decided, let the deployment go on, and return the version's row. Repeatable.

    Raises:
        AlreadyDecided: the opposite was decided.
        NotAwaitingApproval: the version awaits none, or no longer.
        NotFound: there is no such version.
    """
    row = registry.decide(tenant, model, version, decision, by)
    if "ended_at" not in row:
        stepfunctions.wake(row["approval_token"])
    return row
