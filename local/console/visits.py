"""An execution's history as visits of states: what each was given, what it came to, and every attempt.

Event types: Step Functions API reference, "HistoryEvent". Ours run one state at a time, so an event belongs to the
state that was entered last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CURRENT, SUCCEEDED, CAUGHT, FAILED, STOPPED, NOT_REACHED = (
    "current",
    "succeeded",
    "caught",
    "failed",
    "stopped",
    "not reached",
)
_ENDS = {
    "ExecutionSucceeded": SUCCEEDED,
    "ExecutionFailed": FAILED,
    "ExecutionTimedOut": FAILED,
    "ExecutionAborted": STOPPED,
}
_GOES_WRONG = ("Failed", "TimedOut")


@dataclass
class Attempt:
    """One try of a task; `error` is the name of what it failed with."""

    started_at: datetime
    ended_at: datetime | None = None
    error: str = ""
    cause: str = ""


@dataclass
class Visit:
    """One time that a state was entered; `left_at` is None while it is the current one."""

    state: str
    entered_at: datetime
    input: str
    left_at: datetime | None = None
    output: str | None = None
    status: str = CURRENT
    attempts: list[Attempt] = field(default_factory=list)
    error: str = ""
    cause: str = ""

    @property
    def retries(self) -> int:
        """How often its task was tried again."""
        return max(0, len(self.attempts) - 1)


def read(events: Iterable[dict[str, Any]]) -> list[Visit]:
    """Return the visits of a whole history, in order."""
    visits: list[Visit] = []
    for event in events:
        kind: str = event["type"]
        if kind.endswith("StateEntered"):
            details = event["stateEnteredEventDetails"]
            visits.append(Visit(details["name"], event["timestamp"], details.get("input", "")))
        elif visits:
            _note(visits[-1], kind, event)
    return visits


def mark_where_it_failed(told: list[Visit], error: str) -> None:
    """Let the last visit that was left for the error that the execution ended in be a failed one, although it was
    caught: what came after it cleaned up.
    """
    for visit in reversed(told):
        if visit.status == CAUGHT and visit.error == error:
            visit.status = FAILED
            return


def _note(visit: Visit, kind: str, event: dict[str, Any]) -> None:
    when: datetime = event["timestamp"]
    if kind.endswith("StateExited"):
        visit.left_at, visit.output = when, event["stateExitedEventDetails"].get("output")
        visit.status = CAUGHT if visit.error else SUCCEEDED
    elif kind in _ENDS:
        # A Fail state, and whatever a stop interrupts, is entered and never left.
        if visit.left_at is None:
            visit.left_at, visit.status = when, _ENDS[kind]
            _fail(visit, event)
    elif kind == "ExecutionRedriven":
        visit.left_at, visit.status, visit.error, visit.cause = None, CURRENT, "", ""
    elif kind.endswith("Scheduled"):
        visit.attempts.append(Attempt(when))
        visit.error = visit.cause = ""
    elif kind.endswith(_GOES_WRONG):
        _fail(visit, event)
        if visit.attempts:
            last = visit.attempts[-1]
            last.ended_at, last.error, last.cause = when, visit.error, visit.cause
    elif kind.endswith("Succeeded") and visit.attempts:
        visit.attempts[-1].ended_at = when


def _fail(visit: Visit, event: dict[str, Any]) -> None:
    details: dict[str, str] = next((event[key] for key in event if key.endswith("EventDetails")), {})
    visit.error, visit.cause = details.get("error", visit.error), details.get("cause", visit.cause)
