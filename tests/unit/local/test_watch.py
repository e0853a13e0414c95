"""Histories as Step Functions writes them become what a person is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from local.progress import Progress
from local.screen import Screen
from local.watch import CandidateFinished, Ended, History, StateEntered, StateLeft, TrainingStatus

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


def _shown(history: History, events: list[Any]) -> list[str]:
    out = StringIO()
    progress = Progress(Screen(out), history)
    for event in events:
        progress.show(event)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_a_growing_history_is_told_once() -> None:
    history = History()
    first, second = history.read(TRAINING[:2]), history.read(TRAINING[:4])
    assert first == [StateEntered("StartTraining", "Task")]
    assert second == [StateLeft("StartTraining", "Task"), StateEntered("WaitForTraining", "Wait")]
    assert history.read(TRAINING[:4]) == []


def test_the_time_in_a_state_sums_up_over_a_poll_loop() -> None:
    history = History()
    history.read(TRAINING)
    assert history.seconds == {"StartTraining": 2, "WaitForTraining": 7, "CheckTraining": 2, "IsTrainingOver": 0}
    assert not history.ended


def test_a_failed_state_is_left_for_its_error_and_a_retried_one_is_not() -> None:
    history = History()
    assert StateLeft("SelectCandidate", "Task", "NoCandidate") in history.read(FAILURE)
    assert history.ended
    retried = [*TRAINING, FAILURE[-4], _event("TaskSucceeded", 12), _event("TaskStateExited", 12, "SelectCandidate")]
    assert StateLeft("SelectCandidate", "Task") in History().read(retried)


def test_what_is_over_is_shown_before_a_poll_loop_ends() -> None:
    history = History()
    assert _shown(history, history.read(TRAINING[:8])) == ["✓ StartTraining 2.0 s"]


def test_a_poll_loop_is_shown_once_with_its_sum() -> None:
    history = History()
    events = [
        *history.read(TRAINING),
        TrainingStatus("TrainingModels"),
        TrainingStatus("TrainingModels"),
        CandidateFinished("LightGBM", "F1", 0.9),
    ]
    assert _shown(history, events) == [
        "✓ StartTraining 2.0 s",
        "✓ WaitForTraining 7.0 s",
        "✓ CheckTraining 2.0 s",
        "TrainingModels",
        "candidate LightGBM F1 0.9000",
    ]


def test_a_failure_is_shown_by_its_name() -> None:
    history = History()
    assert _shown(history, [*history.read(FAILURE), Ended({})])[-1] == "✗ SelectCandidate NoCandidate"
