"""The report: success only when everything happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.report import Report, leaderboard

DOCUMENT: dict[str, Any] = {
    "version": "v20261122-170301-9f3c",
    "rows": {"train": 4000, "holdout": 1000},
    "training": {
        "problem_type": "BinaryClassification",
        "objective": {"name": "F1", "value": 0.9, "more": 1},
        "candidates": [
            {"name": "a", "metric": "F1", "value": 0.8, "status": "Completed"},
            {"name": "b", "metric": "F1", "value": 0.9, "status": "Completed"},
            {"name": "c", "metric": "F1", "value": None, "status": "Failed"},
        ],
    },
}


def _complete() -> Report:
    report = Report("acme", "churn")
    report.read(DOCUMENT)
    report.holdout = {"accuracy": 0.98, "f1": 0.9, "auc": 0.99}
    report.endpoint = {"name": "tenantml-churn-v1", "account": "222222222222", "status": "InService"}
    report.api = {"url": "http://127.0.0.1/prod", "requests": 10, "p50_ms": 20.0}
    report.left_behind = []
    return report


def test_a_complete_report_has_exactly_the_documented_keys(tmp_path: Path) -> None:
    report = _complete()
    assert report.shortcomings() == []
    report.write(tmp_path / "new" / "report.json")
    written = json.loads((tmp_path / "new" / "report.json").read_text())
    assert set(written) == {
        "tenant", "model", "version", "problem_type", "rows", "advice", "objective", "candidates", "holdout",
        "evaluation", "importance", "quote", "spending", "endpoint", "api", "timings_seconds", "left_behind",
    }  # fmt: skip
    assert written["objective"] == {"name": "F1", "value": 0.9}
    assert written["candidates"] == [
        {"name": "b", "metric": "F1", "value": 0.9},
        {"name": "a", "metric": "F1", "value": 0.8},
    ]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("candidates", [], "no candidate is on the leaderboard"),
        ("rows", {"train": 0, "holdout": 10}, "nothing was trained on"),
        ("holdout", None, "the version was not evaluated"),
        ("holdout", {"rmse": float("nan")}, "the version was not evaluated"),
        ("api", {"url": "", "requests": 0, "p50_ms": 0}, "the predict API answered nothing"),
        ("endpoint", {"name": "e", "account": "2", "status": "Creating"}, "the endpoint was not in service"),
        ("left_behind", None, "the customer's account was not verified to be empty"),
        ("left_behind", ["arn:aws:s3:::b"], "something is left in the customer's account"),
        ("error", {"code": "NoCandidate"}, "the demonstration ended in NoCandidate"),
    ],
)
def test_what_did_not_happen_is_a_shortcoming(field: str, value: Any, reason: str) -> None:
    report = _complete()
    setattr(report, field, value)
    assert report.shortcomings() == [reason]


def test_without_held_out_rows_there_is_nothing_to_score() -> None:
    report = _complete()
    report.rows, report.holdout = {"train": 500, "holdout": 0}, None
    assert report.shortcomings() == []


def test_a_failure_is_written_with_its_name(tmp_path: Path) -> None:
    report = Report("acme", "churn", error={"code": "TargetMissing", "message": "…", "calls_in_customer_account": 0})
    report.write(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["error"]["code"] == "TargetMissing"
    assert written["holdout"] is None


def test_errors_of_a_regression_rank_the_smallest_first() -> None:
    ranked = leaderboard([{"name": n, "metric": "MSE", "value": v} for n, v in (("a", 2.0), ("b", 1.0))])
    assert [candidate["name"] for candidate in ranked] == ["b", "a"]
