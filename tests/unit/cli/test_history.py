"""Histories as Step Functions writes them become states that are entered and left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantml_cli.history import History, StateEntered, StateLeft

START = datetime(2026, 11, 22, tzinfo=UTC)


def _event(kind: str, second: float, name: str = "", **details: Any) -> dict[str, Any]:
    named = {"Entered": "stateEnteredEventDetails", "Exited": "stateExitedEventDetails"}
    for end, key in named.items():
        if kind.endswith(end):
            details[key] = {"name": name}
    return {"type": kind, "timestamp": START + timedelta(seconds=second), **details}


TRAINING = [
    _event("ExecutionStarted", 0),
    _event("TaskStateEntered", 0, "StartTraining"),
    _event("TaskStateExited", 2, "StartTraining"),
    _event("WaitStateEntered", 2, "WaitForTraining"),
    _event("WaitStateExited", 5, "WaitForTraining"),
    _event("TaskStateEntered", 5, "CheckTraining"),
    _event("TaskStateExited", 6, "CheckTraining"),
    _event("ChoiceStateEntered", 6, "IsTrainingOver"),
    _event("ChoiceStateExited", 6, "IsTrainingOver"),
    _event("WaitStateEntered", 6, "WaitForTraining"),
    _event("WaitStateExited", 10, "WaitForTraining"),
    _event("TaskStateEntered", 10, "CheckTraining"),
    _event("TaskStateExited", 11, "CheckTraining"),
    _event("TaskStateEntered", 11, "SelectCandidate"),
]
FAILURE = [
    *TRAINING,
    _event("TaskFailed", 12, taskFailedEventDetails={"error": "NoCandidate"}),
    _event("TaskStateExited", 12, "SelectCandidate"),
    _event("FailStateEntered", 12, "Failed"),
    _event("ExecutionFailed", 13),
]


def test_a_growing_history_is_read_once() -> None:
    history = History()
    assert list(history.read(TRAINING[:2])) == [StateEntered("StartTraining", "Task")]
    assert list(history.read(TRAINING[:4])) == [
        StateLeft("StartTraining", "Task", 2),
        StateEntered("WaitForTraining", "Wait"),
    ]
    assert list(history.read(TRAINING[:4])) == []


def test_each_visit_of_a_state_takes_its_time() -> None:
    waits = [event for event in History().read(TRAINING) if isinstance(event, StateLeft) and event.kind == "Wait"]
    assert [event.seconds for event in waits] == [3, 4]


def test_a_failed_state_is_left_for_its_error_and_a_retried_one_is_not() -> None:
    assert StateLeft("SelectCandidate", "Task", 1, "NoCandidate") in list(History().read(FAILURE))
    retried = [*TRAINING, FAILURE[-4], _event("TaskSucceeded", 12), _event("TaskStateExited", 12, "SelectCandidate")]
    assert StateLeft("SelectCandidate", "Task", 1) in list(History().read(retried))


# Step Functions API reference, "HistoryEvent": a time-out and an expression that fails have events of their own.
@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("TaskTimedOut", "taskTimedOutEventDetails", "States.Timeout"),
        ("EvaluationFailed", "evaluationFailedEventDetails", "States.QueryEvaluationError"),
    ],
)
def test_a_state_is_left_for_a_failure_of_any_kind(kind: str, details: str, error: str) -> None:
    failure = _event(kind, 12, **{details: {"error": error}})
    left = [*TRAINING, failure, _event("TaskStateExited", 12, "SelectCandidate")]
    assert StateLeft("SelectCandidate", "Task", 1, error) in list(History().read(left))


def test_a_redriven_execution_enters_its_state_again() -> None:
    redriven = [_event("ExecutionRedriven", 20), _event("TaskStateEntered", 21, "SelectCandidate")]
    history = History()
    assert list(history.read([*TRAINING, _event("ExecutionFailed", 12), *redriven]))[-2:] == [
        StateLeft("SelectCandidate", "Task", 1, "ExecutionFailed"),
        StateEntered("SelectCandidate", "Task"),
    ]


def test_the_end_of_an_execution_leaves_the_state_that_it_ended_in() -> None:
    assert list(History().read(FAILURE))[-1] == StateLeft("Failed", "Fail", 1, "ExecutionFailed")
