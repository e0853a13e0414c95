"""The stack's event bus: what happened, for operators and tenants."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.settings import setting


class NotPublished(RuntimeError):
    """EventBridge rejected an event, which it reports with status 200; the caller tries again."""


def publish(kind: str, detail: dict[str, Any]) -> None:
    """Publish one event of this kind, such as `Tenant Suspended`.

    Raises:
        NotPublished: EventBridge rejected it.
    """
    entry = {
        "Source": "tenantml",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "EventBusName": setting("EVENT_BUS"),
    }
    answer = platform("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise NotPublished(f"{kind} was not published: {answer['Entries'][0].get('ErrorMessage', 'no reason given')}")
