"""How an execution ended, in words that a tenant can act on."""

from __future__ import annotations

import json
from typing import Any

from tenantml import errors

STATUSES = ("running", "succeeded", "failed", "superseded", "duplicate")
"""Every status of an execution; the API's document is generated from these, too."""

FROM_OUTSIDE = {
    "ABORTED": {
        "Error": "ExecutionStopped",
        "Cause": "an operator stopped the execution; deploy again, or upload again if there are no candidates",
    },
    "TIMED_OUT": {
        "Error": "ExecutionTimedOut",
        "Cause": "the execution exceeded its time limit; report this to the operator, and deploy again, or upload "
        "again if there are no candidates",
    },
}
"""The failure of an execution that ran no failure path, by Step Functions' status."""


def name_of(status: str, error: str) -> str:
    """Return the name of the failure of an execution that Step Functions shows with this status and error."""
    return errors.named(FROM_OUTSIDE[status]["Error"] if status in FROM_OUTSIDE else error).__name__


def of(failure: dict[str, str] | None, left_behind: list[str]) -> dict[str, Any]:
    """Return `{status, error, left_behind}` for Step Functions' error output (`Error`, `Cause`), or for a success
    when it is None.

    A Lambda function's cause is JSON with its message. Each error class states the status of the execution. An
    unknown error is shown as `InternalFailure`, without its details: they are in the log, and operators are notified.
    """
    if failure is None:
        return {"status": "succeeded", "error": None, "left_behind": left_behind}
    kind, message = errors.named(failure["Error"]), message_of(failure)
    if kind is errors.InternalFailure:
        message = f"something failed on our side ({failure['Error']}); operators are notified, and it is safe to repeat"
    return {
        "status": kind.outcome,
        "error": {"code": kind.__name__, "message": message},
        "left_behind": left_behind,
    }


def concerns_operators(outcome: dict[str, Any]) -> bool:
    """Return whether operators are notified of an outcome: for errors that the tenant cannot fix alone."""
    error = outcome["error"]
    return error is not None and errors.named(error["code"]).turn in errors.CALLS_OPERATORS


def message_of(failure: dict[str, str]) -> str:
    """Return the message that a Lambda function's error carries, or the cause as it is."""
    cause = failure.get("Cause", "")
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage", cause)) if isinstance(parsed, dict) else cause
