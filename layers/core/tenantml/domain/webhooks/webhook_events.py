"""What a webhook can be told: one row per type. A type that the product begins to send is one more row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

ENDED = ("Execution Ended", "Deployment Ended")
TEST = "webhook.test"
"""The type of a test delivery, which every webhook gets when it is asked for."""


def _is_live(detail: Row) -> bool:
    return detail["status"] == "succeeded" and bool(detail.get("version"))


def _is_promoted(detail: Row) -> bool:
    return _is_live(detail) and not detail.get("returns_to")


def _is_returned(detail: Row) -> bool:
    return _is_live(detail) and bool(detail.get("returns_to")) and not detail.get("resumes")


def _is_resumed(detail: Row) -> bool:
    return _is_live(detail) and bool(detail.get("resumes"))


def _is_rolled_back(detail: Row) -> bool:
    return (detail.get("error") or {}).get("code") == "RolledBack"


@dataclass(frozen=True)
class EventType:
    """One type: the events of our bus that it is made of (`sent_as`, by detail-type), which of them (`when`; all
    without it), and what of them is told: names, ids and times. An error is told by its code.
    """

    name: str
    description: str
    sent_as: tuple[str, ...]
    fields: tuple[str, ...]
    when: Callable[[Row], bool] | None = None


VERSION = ("tenant", "model", "version", "execution")
BY_HAND = ("tenant", "model", "version", "by")
EVENT_TYPES = (
    EventType(
        "execution.ended", "An upload has ended, as `status` says.", ("Execution Ended",),
        (*VERSION, "status", "error"),
    ),
    EventType(
        "deployment.ended", "A deployment that somebody asked for has ended, as `status` says.",
        ("Deployment Ended",), (*VERSION, "status", "error"),
    ),
    EventType(
        "batch.ended", "A file of rows has ended, as `status` says.", ("Batch Ended",),
        (*VERSION, "batch", "status", "error"),
    ),
    EventType("version.promoted", "A new version answers, and its bake is over.", ENDED, VERSION, _is_promoted),
    EventType(
        "version.rolled_back", "A new version failed more, and the version before it answers again.", ENDED, VERSION,
        _is_rolled_back,
    ),
    EventType(
        "version.returned", "Somebody returned to a version that was live, and it answers again.",
        ("Version Returned", "Deployment Ended"), BY_HAND, _is_returned,
    ),
    EventType("model.paused", "A model is paused: nothing of it answers.", ("Model Paused",), BY_HAND),
    EventType(
        "model.resumed", "A model's pause is over, and it answers again as it did.",
        ("Model Resumed", "Deployment Ended"), BY_HAND, _is_resumed,
    ),
    EventType(
        "approval.wanted", "A version waits until somebody approves or refuses it.", ("Approval Wanted",),
        (*VERSION, "until"),
    ),
    EventType(
        "model.drifted", "A model is asked or answers otherwise than when it was trained: it is time to retrain.",
        ("Drift Detected",), ("tenant", "model", "version"),
    ),
    EventType(
        "tenant.suspended",
        "Your account no longer lets us in as it must, or the operator suspended you: nothing is trained or predicted.",
        ("Tenant Suspended",), ("tenant", "status"),
    ),
    EventType("tenant.active", "A suspended tenant is active again.", ("Tenant Active",), ("tenant", "status")),
)  # fmt: skip
NAMES = tuple(kind.name for kind in EVENT_TYPES)
BUS_TYPES = tuple(dict.fromkeys(sent for kind in EVENT_TYPES for sent in kind.sent_as))
"""Every detail-type that a rule has to take from the bus."""


@dataclass(frozen=True)
class Message:
    """What is sent: its id stays the same however often it is sent, and sorts by time."""

    message: str
    type: str
    body: str


def messages_of(event: Row) -> Iterator[Message]:
    """Yield what an event of our bus is to webhooks; an event that comes twice yields the same."""
    detail = event["detail"]
    for kind in EVENT_TYPES:
        if event["detail-type"] in kind.sent_as and (kind.when is None or kind.when(detail)):
            told = {name: detail.get(name) for name in kind.fields}
            if "error" in told:
                told["error"] = (detail.get("error") or {}).get("code")
            yield message(kind.name, event["time"], told, event["id"])


def message(kind: str, time: str, data: Row, seed: str) -> Message:
    """Return a message of a type about what happened at `time` (ISO 8601, UTC); the same `seed` gives the same id."""
    digest = hashlib.sha256(f"{seed} {kind}".encode()).hexdigest()[:20]
    stamp = "".join(filter(str.isdigit, time))[:14]
    body = json.dumps({"type": kind, "timestamp": time, "data": data}, separators=(",", ":"))
    return Message(f"msg_{stamp}_{digest}", kind, body)
