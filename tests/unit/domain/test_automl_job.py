"""Training: what a job's description means, and how often it is polled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenantml.domain.training.automl_job import (
    FIRST_WAIT_SECONDS,
    GRACE_SECONDS,
    advice,
    is_over,
    next_wait_seconds,
    problem_type,
    progress,
    size_advice,
    training_mode,
)
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import QuotaExceeded, TrainingFailed, TrainingStopped, TrainingTimedOut

RUNTIME_SECONDS = 3600


def job(status: str, age_seconds: float = 60, **more: Any) -> dict[str, Any]:
    return {
        "AutoMLJobName": "tenantml-1-1",
        "AutoMLJobStatus": status,
        "AutoMLJobSecondaryStatus": "TrainingModels",
        "CreationTime": datetime.now(UTC) - timedelta(seconds=age_seconds),
        **more,
    }


def test_a_job_is_over_when_it_completed_however_long_it_took() -> None:
    assert is_over(job("Completed", age_seconds=10**7), RUNTIME_SECONDS)


def test_a_running_job_is_not_over_while_its_cap_and_the_grace_last() -> None:
    assert not is_over(job("InProgress", RUNTIME_SECONDS + GRACE_SECONDS - 5), RUNTIME_SECONDS)


def test_a_job_that_outlives_its_cap_has_timed_out() -> None:
    with pytest.raises(TrainingTimedOut, match="tenantml-1-1"):
        is_over(job("InProgress", RUNTIME_SECONDS + GRACE_SECONDS + 5), RUNTIME_SECONDS)


@pytest.mark.parametrize("status", ["Stopped", "Stopping"])
def test_a_stopped_job_is_distinguished_from_a_failed_one(status: str) -> None:
    with pytest.raises(TrainingStopped):
        is_over(job(status), RUNTIME_SECONDS)


def test_a_failed_job_carries_autopilots_reason() -> None:
    with pytest.raises(TrainingFailed, match="too few rows"):
        is_over(job("Failed", FailureReason="too few rows"), RUNTIME_SECONDS)
    with pytest.raises(TrainingFailed, match="no reason given"):
        is_over(job("Failed"), RUNTIME_SECONDS)


@pytest.mark.parametrize(
    "reason",
    [
        "ResourceLimitExceeded: no more instances",
        "The account-level service limit 'ml.m5.4xlarge for training job usage' is 0 Instances",
    ],
)
def test_a_job_that_failed_for_want_of_a_quota_is_told_from_others(reason: str) -> None:
    with pytest.raises(QuotaExceeded, match=reason):
        is_over(job("Failed", FailureReason=reason), RUNTIME_SECONDS)


def test_progress_of_a_job_that_has_just_begun_is_empty() -> None:
    assert progress(job("InProgress"), []) == {
        "job_name": "tenantml-1-1",
        "status": "InProgress",
        "secondary_status": "TrainingModels",
        "seconds": None,
        "mode": None,
        "problem_type": None,
        "objective": None,
        "candidates": [],
    }


def test_a_job_that_is_over_says_for_how_long_it_ran() -> None:
    began = job("Completed")
    ended = began["CreationTime"] + timedelta(minutes=31, milliseconds=200)
    assert progress(began | {"EndTime": ended}, [])["seconds"] == 31 * 60


def test_progress_shows_the_best_so_far_and_the_problem_that_autopilot_sees() -> None:
    best = {
        "CandidateName": "b",
        "CandidateStatus": "Completed",
        "FinalAutoMLJobObjectiveMetric": {"MetricName": "F1", "Value": 0.9},
    }
    resolved = {
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "BinaryClassification"}}
    }
    shown = progress(job("InProgress", BestCandidate=best, ResolvedAttributes=resolved), [best])
    assert shown["problem_type"] == "BinaryClassification"
    assert shown["objective"] == {"name": "F1", "value": 0.9}
    assert shown["candidates"] == [{"name": "b", "metric": "F1", "value": 0.9, "status": "Completed"}]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("validation:f1", "BinaryClassification"),
        ("validation:accuracy", "MulticlassClassification"),
        ("validation:mse", "Regression"),
    ],
)
def test_a_job_without_resolved_attributes_tells_its_problem_by_its_default_objective(
    metric: str, expected: str
) -> None:
    best = {"CandidateName": "b", "FinalAutoMLJobObjectiveMetric": {"MetricName": metric, "Value": 0.9}}
    assert problem_type(job("Completed", BestCandidate=best)) == expected


def test_what_was_asked_counts_before_what_a_metric_tells() -> None:
    asked = {"TabularJobConfig": {"ProblemType": "BinaryClassification", "Mode": "ENSEMBLING"}}
    best = {"CandidateName": "b", "FinalAutoMLJobObjectiveMetric": {"MetricName": "validation:accuracy", "Value": 1}}
    described = job("Completed", BestCandidate=best, AutoMLProblemTypeConfig=asked)
    assert (problem_type(described), progress(described, [])["mode"]) == ("BinaryClassification", "ENSEMBLING")


def test_containers_that_cannot_choose_their_answer_are_a_regressions() -> None:
    metric = {"MetricName": "validation:sharpe", "Value": 1}
    choosing = {"Environment": {"SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label"}}

    def of(container: dict[str, Any]) -> str | None:
        best = {"CandidateName": "b", "FinalAutoMLJobObjectiveMetric": metric, "InferenceContainers": [container]}
        return problem_type(job("Completed", BestCandidate=best))

    assert (of({}), of(choosing)) == ("Regression", None)


def test_what_fails_beside_the_training_is_advice() -> None:
    reasons = [{"PartialFailureMessage": "no insights"}, {}]
    for status, report in (("ExplainabilityError", "explainability"), ("ModelInsightsError", "model insights")):
        described = job("Completed", AutoMLJobSecondaryStatus=status, PartialFailureReasons=reasons)
        assert is_over(described, RUNTIME_SECONDS)
        partial, missing = advice(described)
        assert partial == {"rule": "partial-failure", "message": "no insights"}
        assert missing["rule"] == "report-missing"
        assert report in missing["message"]
    assert advice(job("Completed")) == []


@pytest.mark.parametrize(
    ("more", "size_bytes", "mode"),
    [
        ({}, 99_999_999, "ENSEMBLING"),
        ({}, 100_000_000, "HYPERPARAMETER_TUNING"),
        ({"serverless_memory_mb": 3072}, 100_000_000, "ENSEMBLING"),
        ({"mode": "ENSEMBLING"}, 100_000_000, "ENSEMBLING"),
        ({"mode": "HYPERPARAMETER_TUNING"}, 1, "HYPERPARAMETER_TUNING"),
    ],
)
def test_the_mode_goes_by_size_unless_the_model_says_otherwise(
    more: dict[str, Any], size_bytes: int, mode: str
) -> None:
    assert training_mode(ModelSettings("y", **more), size_bytes) == mode


def test_a_training_set_that_autopilot_samples_is_advised() -> None:
    assert size_advice(5_000_000_000) == []
    (found,) = size_advice(7_250_000_000)
    assert found["rule"] == "trained-on-sample"
    assert "7.2 GB" in found["message"]


def test_waits_grow_until_they_are_twenty_minutes() -> None:
    waits = [FIRST_WAIT_SECONDS]
    while waits[-1] < 1200:
        waits.append(next_wait_seconds(waits[-1]))
        assert waits[-1] > waits[-2]
    assert next_wait_seconds(1200) == 1200
