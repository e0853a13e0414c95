"""EventBridge: PutEvents refuses an entry without a source, a type, or details that are an object."""

from __future__ import annotations

import functools
import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import eventbridge

from local.patches.emulator import wrap


def apply() -> None:
    """Answer for each entry; those that are refused are not sent, all others are.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html; the words are those of
    LocalStack's recorded test_events_task_service.
    """
    wrap(eventbridge, "_put_events", "ebcda0f38061", _without_malformed_entries)


def _without_malformed_entries(put: Any) -> Any:
    @functools.wraps(put)
    def putting(request: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        refusals = [_refusal(entry) for entry in request.get("Entries", [])]
        good = [entry for entry, refusal in zip(request.get("Entries", []), refusals, strict=True) if not refusal]
        status, headers, body = put(request | {"Entries": good}, *arguments, **options)
        if status != 200 or not any(refusals):
            return status, headers, body
        answer = json.loads(body)
        sent = iter(answer["Entries"])
        entries = [refusal or next(sent) for refusal in refusals]
        failed = answer["FailedEntryCount"] + len(refusals) - len(good)
        return json_response({"FailedEntryCount": failed, "Entries": entries})

    return putting


def _refusal(entry: dict[str, Any]) -> dict[str, str] | None:
    for field in ("Source", "DetailType", "Detail"):
        if not entry.get(field):
            words = f"Parameter {field} is not valid. Reason: {field} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": words}
    try:
        is_object = isinstance(json.loads(entry["Detail"]), dict)
    except ValueError:
        is_object = False
    return None if is_object else {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
