"""The stack's event bus: what happened, for whatever tells operators and tenants."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.settings import setting


class NotTold(RuntimeError):
    """EventBridge did not take an event, which it says with status 200; whoever tells tries again."""


def tell(kind: str, detail: dict[str, Any]) -> None:
    """Send one event of this kind, such as `Tenant Suspended`.

    Raises:
        NotTold: EventBridge answered, and did not take it.
    """
    entry = {
        "Source": "tenantml",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "EventBusName": setting("EVENT_BUS"),
    }
    answer = platform("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise NotTold(f"{kind} was not sent: {answer['Entries'][0].get('ErrorMessage', 'no reason given')}")
