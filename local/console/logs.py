"""What the functions logged of one execution: in all of its states, and in whatever else names it."""

from __future__ import annotations

import json
from typing import Any

from local.console.deployed import client

LINES = 1_000
_SHOWN = ("level", "state", "message", "tenant", "model", "code", "reason", "request_id", "exception")


def of_execution(log_group: str, execution: str) -> list[dict[str, Any]]:
    """Return the lines that name the execution, the oldest first: each with its fields, and whole as `line`."""
    pages = (
        client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=log_group,
            # A term in double quotes is matched as it is (CloudWatch Logs user guide, "Filter pattern syntax").
            filterPattern=f'"{execution}"',
        )
    )
    events = [event for page in pages for event in page["events"]]
    return [_line(event) for event in sorted(events, key=lambda event: event["timestamp"])[-LINES:]]


def _line(event: dict[str, Any]) -> dict[str, Any]:
    text = event["message"].strip()
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    fields = found if isinstance(found, dict) else {}
    return {"time": event["timestamp"], "line": text, "message": text} | {
        name: fields[name] if isinstance(fields[name], str) else json.dumps(fields[name])
        for name in _SHOWN
        if fields.get(name)
    }
