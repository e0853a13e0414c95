"""What the functions logged of one execution: in all of its states, and in whatever else names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local.console.deployed import client

LINES = 1_000
_SHOWN = ("level", "state", "message", "tenant", "model", "code", "reason", "request_id", "exception")


def naming(log_group: str, names: list[str]) -> list[dict[str, Any]]:
    """Return the lines that have one of the names, the oldest first: each with its fields, and whole as `line`."""
    found = [event for name in names for event in _events(log_group, name)]
    events = {(event["logStreamName"], event["timestamp"], event["message"]): event for event in found}
    return [_line(event) for event in sorted(events.values(), key=lambda event: event["timestamp"])[-LINES:]]


def _events(log_group: str, name: str) -> Iterator[dict[str, Any]]:
    # A term in double quotes is matched as it is (CloudWatch Logs user guide, "Filter pattern syntax").
    pages = client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=log_group, filterPattern=f'"{name}"'):
        yield from page["events"]


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
