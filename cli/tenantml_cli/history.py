"""An execution's history as Step Functions keeps it, read as it grows: the states that are entered and left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class StateEntered:
    """The execution entered a state; `kind` is its type: Task, Wait, Choice, Fail, …"""

    name: str
    kind: str
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class StateLeft:
    """The execution left a state after `seconds`; `error` is the name of the failure that it left for, if it did."""

    name: str
    kind: str
    seconds: float
    error: str | None = None
    at: datetime | None = field(default=None, compare=False)


Event = StateEntered | StateLeft

# Events of a state that fails -> where they hold the error's name.
_FAILURES = {
    "EvaluationFailed": "evaluationFailedEventDetails",
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
}


class History:
    """What was read so far. Event types: Step Functions API reference, "HistoryEvent"."""

    def __init__(self) -> None:
        self._read = 0
        self._entered: dict[str, tuple[str, datetime]] = {}
        self._error: str | None = None

    def read(self, events: list[dict[str, Any]]) -> Iterator[Event]:
        """Take the whole history so far, in order, and yield what is new in it."""
        for event in events[self._read :]:
            self._read += 1
            kind: str = event["type"]
            if kind.endswith("StateEntered"):
                name, state = event["stateEnteredEventDetails"]["name"], kind.removesuffix("StateEntered")
                self._entered[name] = state, event["timestamp"]
                self._error = None
                yield StateEntered(name, state, event["timestamp"])
            elif details := _FAILURES.get(kind):
                self._error = event[details].get("error")
            elif kind == "TaskSucceeded":
                self._error = None
            elif kind.endswith("StateExited"):
                yield self._leave(event["stateExitedEventDetails"]["name"], event["timestamp"])
            elif kind in {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}:
                # A Fail state, and whatever an abort interrupts, is entered and never exited.
                self._error = kind
                for name in list(self._entered):
                    yield self._leave(name, event["timestamp"])

    def _leave(self, name: str, when: datetime) -> StateLeft:
        kind, entered = self._entered.pop(name)
        return StateLeft(name, kind, (when - entered).total_seconds(), self._error, when)
