"""The stack's event bus: what happened, for operators and tenants."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import AwsError
from tenantml.settings import setting


def publish(kind: str, detail: dict[str, Any]) -> None:
    """Publish one event of this kind, such as `Tenant Suspended`.

    Raises:
        AwsError: EventBridge rejected it, which it reports with status 200.
    """
    entry = {
        "Source": "tenantml",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "EventBusName": setting("EVENT_BUS"),
    }
    answer = platform("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        [rejected] = answer["Entries"]
        reason = rejected.get("ErrorMessage", "no reason given")
        raise AwsError({"Error": {"Code": rejected["ErrorCode"], "Message": reason}}, "PutEvents")
