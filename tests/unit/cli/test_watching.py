"""What `tenantml watch` tells of an execution: what is new, when, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantml_cli import watching
from tenantml_cli.errors import Failed, Refused, StillRunning
from tenantml_cli.history import StateEntered, StateLeft
from tenantml_cli.watching import Watch

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
Document = dict[str, Any]


def document(status: str = "running", mode: str = "HYPERPARAMETER_TUNING", **values: float | None) -> Document:
    candidates = [{"name": name, "metric": "F1", "value": value} for name, value in values.items()]
    training = {"status": "InProgress", "secondary_status": "TrainingModels", "mode": mode, "candidates": candidates}
    return {"status": status, "model": "churn", "state": "CheckTraining", "training": training, "started_at": None}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_states_are_told_once_with_the_time_since_the_start_and_a_training_as_it_is_checked() -> None:
    told: list[str] = []
    watch = Watch(told.append, lambda: document(a=0.5, b=None), lambda model: {"churn": 8}[model])
    for event in (
        StateEntered("AcceptUpload", "Task", at(0)),
        StateEntered("IsGrantNeeded", "Choice", at(1)),
        StateEntered("CheckTraining", "Task", at(75)),
        StateLeft("CheckTraining", "Task", 1, None, at(76)),
        StateEntered("WaitForTraining", "Wait", at(76)),
        StateEntered("CheckTraining", "Task", at(106)),
        StateLeft("CheckTraining", "Task", 1, None, at(107)),
    ):
        watch.show(event)
    assert [" ".join(line.split()) for line in told] == [
        "0 s AcceptUpload",
        "1 min 15 s CheckTraining",
        "1 min 16 s training: TrainingModels",
        "1 min 16 s candidate 1 of 8 at most (12%): a, F1 0.5000",
    ]


def test_a_percentage_is_told_only_where_each_candidate_is_a_trial() -> None:
    told: list[str] = []
    Watch(told.append, dict, lambda _: 8).show_document(document(mode="ENSEMBLING", a=0.5))
    assert told[-1].endswith("candidate 1: a, F1 0.5000")


@pytest.mark.parametrize(
    ("state", "order"),
    [
        ("CheckTraining", ["CheckTraining", "training: TrainingModels", "candidate 1: a, F1 0.5000"]),
        ("PromoteVersion", ["training: TrainingModels", "candidate 1: a, F1 0.5000", "PromoteVersion"]),
        (None, ["training: TrainingModels", "candidate 1: a, F1 0.5000"]),
    ],
)
def test_what_is_seen_at_once_is_told_in_the_order_of_the_pipeline(state: str | None, order: list[str]) -> None:
    told: list[str] = []
    Watch(told.append, dict, lambda _: None).show_document(document(mode="ENSEMBLING", a=0.5) | {"state": state})
    assert [line.split("  ")[-1] for line in told] == order


def polled(monkeypatch: pytest.MonkeyPatch, *documents: Document | Refused) -> Watch:
    """A watch whose documents come one after the other, without a wait between them."""
    monkeypatch.setattr(watching, "_FIRST_POLL_SECONDS", 0)
    coming: Iterator[Document | Refused] = iter(documents)

    def look() -> Document:
        found = next(coming)
        if isinstance(found, Refused):
            raise found
        return found

    return Watch(lambda _: None, look, lambda _: None)


def test_polling_waits_for_an_execution_that_begins_and_returns_its_document(monkeypatch: pytest.MonkeyPatch) -> None:
    early, ended = Refused("NotFound", "not yet", 404), document("succeeded")
    assert polled(monkeypatch, early, document(), ended).by_polling("e", 60) == ended


@pytest.mark.parametrize("status", ["failed", "superseded", "duplicate"])
def test_polling_fails_under_the_executions_error(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    ended = document(status) | {"error": {"code": "TooFewRows", "message": "two rows"}}
    with pytest.raises(Failed, match="two rows") as failed:
        polled(monkeypatch, ended).by_polling("e", 60)
    assert failed.value.code == "TooFewRows"


def test_polling_ends_with_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StillRunning, match="e is not over after 0 s"):
        polled(monkeypatch, document()).by_polling("e", 0)


@pytest.mark.parametrize("refusal", [Refused("Unauthorized", "no", 401), Refused("NotFound", "late", 404)])
def test_polling_ends_with_a_refusal_that_time_does_not_change(
    monkeypatch: pytest.MonkeyPatch, refusal: Refused
) -> None:
    monkeypatch.setattr(watching, "START_SECONDS", -1)
    with pytest.raises(Refused) as refused:
        polled(monkeypatch, refusal).by_polling("e", 60)
    assert refused.value is refusal
