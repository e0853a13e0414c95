"""How an execution ended, in words that a tenant can act on."""

from __future__ import annotations

import json
from typing import Any

from tenantml import errors

OUR_FAULT = "InternalFailure"
STATUSES = ("running", "succeeded", "failed", "superseded", "duplicate")
"""What an execution may be; the API's document is made of these, too."""
HARMLESS = {"UploadSuperseded": "superseded", "DuplicateUpload": "duplicate"}
# What a tenant mends without anybody's help, and what an operator did.
NOT_FOR_OPERATORS = (
    errors.UploadError,
    errors.DatasetError,
    errors.RequestError,
    errors.BelowQualityBar,
    errors.ExecutionStopped,
)


def of(failure: dict[str, str] | None, left_behind: list[str]) -> dict[str, Any]:
    """Return `{status, error, left_behind}` of Step Functions' error output (`Error`, `Cause`), or of a success when
    it is None.

    A Lambda function's cause is JSON with its message. An upload that a newer one overtook is `superseded`, one that
    came by a form that had brought one before is a `duplicate`. An error that has no name of ours is shown as
    `InternalFailure`, without its details: they are in the log, and somebody is called.
    """
    if failure is None:
        return {"status": "succeeded", "error": None, "left_behind": left_behind}
    code = failure["Error"]
    known = getattr(errors, code, None)
    if isinstance(known, type) and issubclass(known, errors.TenantMLError):
        status = HARMLESS.get(code, "failed")
        return {"status": status, "error": {"code": code, "message": message_of(failure)}, "left_behind": left_behind}
    message = f"something failed on our side ({code}); it is being looked at, and uploading again is safe"
    return {"status": "failed", "error": {"code": OUR_FAULT, "message": message}, "left_behind": left_behind}


def concerns_operators(outcome: dict[str, Any]) -> bool:
    """Say whether operators are called for an outcome: for failures that the tenant cannot mend alone."""
    if outcome["status"] != "failed":
        return False
    known = getattr(errors, outcome["error"]["code"], None)
    return known is None or not issubclass(known, NOT_FOR_OPERATORS)


def message_of(failure: dict[str, str]) -> str:
    """Return the message that a Lambda function's error carries, or the cause as it is."""
    cause = failure.get("Cause", "")
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage", cause)) if isinstance(parsed, dict) else cause
