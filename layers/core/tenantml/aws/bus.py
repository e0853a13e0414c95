"""The stack's event bus: what happened, for whatever tells operators and tenants."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.settings import setting


def tell(kind: str, detail: dict[str, Any]) -> None:
    """Send one event of this kind, such as `Tenant Suspended`."""
    entry = {
        "Source": "tenantml",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "EventBusName": setting("EVENT_BUS"),
    }
    platform("events").put_events(Entries=[entry])
