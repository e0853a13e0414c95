"""The events of an execution become lines that a person reads."""

from __future__ import annotations

from io import StringIO
from typing import Any

from local.progress import Progress
from local.screen import Screen
from tenantml_cli.history import Event, StateEntered, StateLeft

TRAINING: list[Event] = [
    StateEntered("StartTraining", "Task"),
    StateLeft("StartTraining", "Task", 2),
    StateEntered("WaitForTraining", "Wait"),
    StateLeft("WaitForTraining", "Wait", 3),
    StateEntered("CheckTraining", "Task"),
    StateLeft("CheckTraining", "Task", 1),
    StateEntered("IsTrainingOver", "Choice"),
    StateLeft("IsTrainingOver", "Choice", 0),
    StateEntered("WaitForTraining", "Wait"),
    StateLeft("WaitForTraining", "Wait", 4),
    StateEntered("CheckTraining", "Task"),
    StateLeft("CheckTraining", "Task", 1),
    StateEntered("SelectCandidate", "Task"),
]


def shown(events: list[Event], training: dict[str, Any] | None = None) -> list[str]:
    out = StringIO()
    progress = Progress(Screen(out), lambda: {"training": training})
    for event in events:
        progress.show(event)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    progress.end()
    return lines


def test_what_is_over_is_shown_before_a_poll_loop_ends() -> None:
    assert shown(TRAINING[:6]) == ["✓ StartTraining 2.0 s"]


def test_a_poll_loop_is_shown_once_with_its_sum() -> None:
    assert shown(TRAINING) == ["✓ StartTraining 2.0 s", "✓ WaitForTraining 7.0 s", "✓ CheckTraining 2.0 s"]


def test_the_time_in_a_state_sums_up_over_a_poll_loop() -> None:
    progress = Progress(Screen(StringIO()), dict)
    for event in TRAINING:
        progress.show(event)
    assert progress.seconds == {"StartTraining": 2, "WaitForTraining": 7, "CheckTraining": 2, "IsTrainingOver": 0}


def test_a_training_is_shown_by_its_status_and_the_candidates_that_have_a_value() -> None:
    candidates = [
        {"name": "LightGBM", "metric": "F1", "value": 0.9},
        {"name": "CatBoost", "metric": "F1", "value": None},
    ]
    training = {"status": "InProgress", "secondary_status": "TrainingModels", "candidates": candidates}
    assert shown(TRAINING[:1], training) == ["TrainingModels", "candidate LightGBM F1 0.9000"]


def test_a_failure_is_shown_by_its_name() -> None:
    out = StringIO()
    progress = Progress(Screen(out), dict)
    progress.show(StateLeft("SelectCandidate", "Task", 1, "NoCandidate"))
    progress.end()
    assert out.getvalue().split() == ["✗", "SelectCandidate", "NoCandidate"]
