"""What the demonstration reports and shows of an evaluation."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from local import judgement, retrain
from local.screen import Screen
from tenantml.domain.predictions.answers import Predictions
from tenantml_analysis.evaluation import EvaluationSettings, LiveAnswers, evaluate

VERDICT = {"decision": "promote", "decided": True, "sentences": ["It goes live."], "refusal": None}


def evaluated(classes: int, live: bool = False) -> dict[str, Any]:
    """An evaluation of 200 rows, each tenth of which is mistaken for the next class."""
    names = tuple(f"class {number}" for number in range(classes))
    truths = [number % classes for number in range(200)]
    said = [(truth + (number % 10 == 0)) % classes for number, truth in enumerate(truths)]
    lines = [tuple("0.9" if place == label else "0.01" for place in range(classes)) for label in said]
    kind = "BinaryClassification" if classes == 2 else "MulticlassClassification"
    answers = Predictions(names, said, lines)
    rival = LiveAnswers("v20261122-170301-9f3c", answers) if live else None
    settings = EvaluationSettings(kind, "F1" if classes == 2 else "Accuracy", "seed", resamples_max=200)
    return evaluate([names[truth] for truth in truths], answers, settings, rival).as_document()


def shown(evaluation: dict[str, Any]) -> str:
    out = io.StringIO()
    judgement.show(evaluation, VERDICT, {"name": "F1", "value": 0.8755}, Screen(out))
    return out.getvalue()


def test_a_report_has_metrics_intervals_baseline_live_and_verdict() -> None:
    found = judgement.summed_up(evaluated(2, live=True), VERDICT)
    assert set(found) == {"metrics", "intervals", "baseline", "live", "verdict"}
    assert found["metrics"]["Accuracy"] == 0.9
    low, high = found["intervals"]["Accuracy"]
    assert low < 0.9 < high
    assert found["baseline"]["Accuracy"] == 0.5
    assert found["live"]["metrics"]["Accuracy"] == 0.9
    assert found["verdict"] == VERDICT
    assert judgement.summed_up(evaluated(2), VERDICT)["live"] is None


def test_the_headline_is_that_of_the_problem_type() -> None:
    assert set(judgement.headline(evaluated(2)) or ()) == {"accuracy", "f1", "auc"}
    assert set(judgement.headline(evaluated(3)) or ()) == {"accuracy", "f1_macro"}
    assert judgement.headline(evaluated(2) | {"metrics": {}}) is None


def test_a_person_sees_values_with_intervals_beside_the_leaderboards_and_where_the_errors_are() -> None:
    text = shown(evaluated(2, live=True))
    for words in (
        "95 % interval",
        "0.8755",
        "baseline",
        "live",
        "true \\ predicted",
        "Verdict  promote",
        "It goes live.",
    ):
        assert words in text
    assert "most often mistaken" in shown(evaluated(14))
    assert "Verdict" in shown(evaluated(2) | {"metrics": {}, "rows": 0})


def test_fewer_rows_are_the_first_ones_whatever_is_in_them(tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    whole.write_text('\ufeffa,b\n\n"x\ny","1,2"\n' + "z,3\n" * 1000, encoding="utf-8")
    lines = retrain.fewer_rows(whole, tmp_path / "out").read_text().splitlines()
    assert lines[:3] == ["a,b", '"x', 'y","1,2"']
    assert len(lines) == 2 + retrain.FEWER_ROWS
