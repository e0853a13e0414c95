"""Watching an execution from outside: its states as the operator sees them, its training as the tenant does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.platform import Platform
from local.tenant_api import Document, Refused, TenantApi

_POLL_SECONDS = 0.25
_TRAINING_POLL_SECONDS = 1.0
_OUTCOME_SECONDS = 30.0


@dataclass(frozen=True)
class StateEntered:
    """The execution entered a state; `kind` is its type: Task, Wait, Choice, Fail, …"""

    name: str
    kind: str


@dataclass(frozen=True)
class StateLeft:
    """The execution left a state; `error` is the name of the failure that it left for, if it did."""

    name: str
    kind: str
    error: str | None = None


@dataclass(frozen=True)
class TrainingStatus:
    """The job has been looked at: its secondary status."""

    text: str


@dataclass(frozen=True)
class CandidateFinished:
    """A candidate is on the leaderboard."""

    name: str
    metric: str
    value: float


@dataclass(frozen=True)
class Ended:
    """The execution is over, and its outcome recorded; `document` is the tenant's view of it."""

    document: Document


Event = StateEntered | StateLeft | TrainingStatus | CandidateFinished | Ended


@dataclass
class History:
    """Step Functions' history, read as it grows; `seconds` sums up the time in each state, however often entered.

    Event types: Step Functions API reference, "HistoryEvent".
    """

    seconds: dict[str, float] = field(default_factory=dict)
    ended: bool = False
    _seen: int = 0
    _entered: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _error: str | None = None

    def read(self, events: list[dict[str, Any]]) -> list[Event]:
        """Take the whole history so far, in order, and tell what is new in it."""
        told: list[Event] = []
        for event in events[self._seen :]:
            kind: str = event["type"]
            if kind.endswith("StateEntered"):
                name, entered = event["stateEnteredEventDetails"]["name"], kind.removesuffix("StateEntered")
                self._entered[name] = entered, event["timestamp"]
                self._error = None
                told.append(StateEntered(name, entered))
            elif kind == "TaskFailed":
                self._error = event["taskFailedEventDetails"].get("error")
            elif kind == "TaskSucceeded":
                self._error = None
            elif kind.endswith("StateExited"):
                told.append(self._leave(event["stateExitedEventDetails"]["name"], event["timestamp"]))
            elif kind in {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}:
                # A Fail state, and whatever an abort interrupts, is entered and never exited.
                self._error = kind
                told.extend(self._leave(name, event["timestamp"]) for name in list(self._entered))
                self.ended = True
        self._seen = len(events)
        return told

    def _leave(self, name: str, when: datetime) -> StateLeft:
        kind, entered = self._entered.pop(name)
        self.seconds[name] = self.seconds.get(name, 0.0) + (when - entered).total_seconds()
        return StateLeft(name, kind, self._error)


def await_execution(api: TenantApi, upload_key: str, timeout_seconds: float = 60.0) -> Document:
    """The execution that an upload starts, if only to be rejected by it; raises Refused when none appears in time."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if (document := api.execution_of(upload_key)) is not None:
            return document
        time.sleep(_POLL_SECONDS)
    raise Refused("NoExecution", f"the upload {upload_key} started nothing within {timeout_seconds:.0f} s")


def follow(
    platform: Platform, api: TenantApi, execution: str, history: History, timeout_seconds: float
) -> Iterator[Event]:
    """Tell what happens until the execution is over; raises Refused when it outlives `timeout_seconds`."""
    arn = f"{platform.outputs['TrainingStateMachineArn'].replace(':stateMachine:', ':execution:')}:{execution}"
    steps = platform.cloud.client("stepfunctions")
    pages = steps.get_paginator("get_execution_history")
    told: set[str] = set()
    deadline = time.monotonic() + timeout_seconds
    looked = 0.0
    while not history.ended:
        if time.monotonic() > deadline:
            raise Refused("StillRunning", f"the execution {execution} is not over after {timeout_seconds:.0f} s")
        yield from history.read([event for page in pages.paginate(executionArn=arn) for event in page["events"]])
        if time.monotonic() - looked > _TRAINING_POLL_SECONDS:
            looked = time.monotonic()
            yield from _training(api.execution(execution), told)
        time.sleep(_POLL_SECONDS)
    document = _outcome(api, execution)
    yield from _training(document, told)
    yield Ended(document)


def _training(document: Document, told: set[str]) -> Iterator[Event]:
    training = document.get("training") or {}
    if status := training.get("secondary_status") or training.get("status"):
        yield TrainingStatus(status)
    for candidate in training.get("candidates") or []:
        if candidate["name"] not in told and candidate.get("value") is not None:
            told.add(candidate["name"])
            yield CandidateFinished(candidate["name"], candidate["metric"], float(candidate["value"]))


def _outcome(api: TenantApi, execution: str) -> Document:
    deadline = time.monotonic() + _OUTCOME_SECONDS
    while (document := api.execution(execution))["status"] == "running":
        if time.monotonic() > deadline:
            raise Refused("OutcomeNotRecorded", f"the execution {execution} is over and its outcome is not recorded")
        time.sleep(_POLL_SECONDS)
    return document
