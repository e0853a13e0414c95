"""Selection: the best by objective and direction."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.candidates import deployable, described, leaderboard, metrics, objective, select
from tenantml.errors import NoCandidate


def candidate(
    name: str, value: float | None, metric: str = "F1", status: str = "Completed", **more: Any
) -> dict[str, Any]:
    described = {
        "CandidateName": name,
        "CandidateStatus": status,
        "InferenceContainers": [{"Image": "an/image:1"}],
        **more,
    }
    if value is not None:
        described["FinalAutoMLJobObjectiveMetric"] = {"MetricName": metric, "Value": value}
    return described


def measured(**values: float) -> dict[str, Any]:
    return {"CandidateMetrics": [{"MetricName": m, "Value": v, "Set": "Validation"} for m, v in values.items()]}


def name_of(chosen: dict[str, Any]) -> str:
    return str(chosen["CandidateName"])


def test_the_highest_score_wins() -> None:
    assert name_of(select([candidate("a", 0.7), candidate("b", 0.9), candidate("c", 0.8)])) == "b"


def test_the_lowest_error_wins() -> None:
    assert name_of(select([candidate("a", 7.0, "RMSE"), candidate("b", 9.0, "RMSE")])) == "a"


def test_equal_values_go_by_name_whatever_their_order() -> None:
    tied = [candidate("b", 0.9), candidate("a", 0.9)]
    assert name_of(select(tied)) == name_of(select(tied[::-1])) == "a"


def test_the_standard_name_counts_before_the_tuners_own() -> None:
    tuned = candidate(
        "a",
        None,
        FinalAutoMLJobObjectiveMetric={"MetricName": "validation:f1", "StandardMetricName": "F1", "Value": 0.5},
    )
    assert objective(tuned) == {"name": "F1", "value": 0.5}


@pytest.mark.parametrize(
    "unusable",
    [
        candidate("b", 0.99, status="InProgress"),
        candidate("b", 0.99, status="Failed"),
        candidate("b", None),
        candidate("b", math.nan),
        candidate("b", 0.99, InferenceContainers=[]),
    ],
)
def test_only_a_completed_candidate_with_a_value_and_containers_may_answer(unusable: dict[str, Any]) -> None:
    assert [name_of(found) for found in deployable([unusable, candidate("a", 0.1)])] == ["a"]
    with pytest.raises(NoCandidate):
        deployable([unusable])


def test_no_candidate_at_all_is_named() -> None:
    with pytest.raises(NoCandidate, match="max_runtime_seconds"):
        deployable([])


def test_values_on_the_training_rows_do_not_count() -> None:
    reported = [
        {"MetricName": "AUC", "Value": 0.7, "Set": "Validation"},
        {"MetricName": "AUC", "Value": 1.0, "Set": "Train"},
        {"MetricName": "AUC", "Value": 0.6, "Set": "Test"},
        {"MetricName": "Accuracy", "Value": 0.65, "Set": "Test"},
        {"MetricName": "F1", "Value": 0.1, "Set": "Validation"},
    ]
    found = metrics(candidate("a", 0.9, CandidateProperties={"CandidateMetrics": reported}))
    assert found == {"AUC": 0.7, "Accuracy": 0.65, "F1": 0.9}
    assert metrics(candidate("a", None)) == {}


@pytest.mark.parametrize(
    ("captured", "standard"),
    [
        ("validation:f1", "F1"),
        ("validation:binary_f_beta", "F1"),
        ("validation:accuracy", "Accuracy"),
        ("validation:rmse", "RMSE"),
        ("validation:f1_macro", "F1macro"),
        ("BalancedAccuracy", "BalancedAccuracy"),
    ],
)
def test_an_algorithms_own_name_is_known(captured: str, standard: str) -> None:
    assert objective(candidate("a", 0.5, captured)) == {"name": standard, "value": 0.5}


def test_the_names_that_two_algorithms_have_for_one_metric_are_compared() -> None:
    mixed = [
        candidate("WeightedEnsemble-L3-FULL-t1", 0.9, "validation:f1"),
        candidate("b", 0.8, "validation:binary_f_beta"),
    ]
    assert name_of(select(mixed)) == "WeightedEnsemble-L3-FULL-t1"


def test_a_metric_that_we_never_heard_of_is_shown_and_leaves_the_choice_to_autopilot() -> None:
    unheard = [candidate("a", 3.0, "validation:sharpe"), candidate("b", 2.0, "validation:sharpe")]
    assert name_of(select(unheard, "b")) == "b"
    assert [(row["name"], row["metric"], row["value"]) for row in leaderboard(unheard, "b")] == [
        ("b", "validation:sharpe", 2.0),
        ("a", "validation:sharpe", 3.0),
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"CandidateName": st.text(min_size=1, max_size=64), "CandidateStatus": st.text()},
            optional={
                "FinalAutoMLJobObjectiveMetric": st.fixed_dictionaries(
                    {},
                    optional={
                        "MetricName": st.text(),
                        "StandardMetricName": st.text(),
                        "Type": st.text(),
                        "Value": st.floats(),
                    },
                )
            },
        ),
        max_size=5,
    ),
    st.text(),
)
def test_whatever_autopilot_answers_is_shown(found: list[dict[str, Any]], favourite: str) -> None:
    board = leaderboard(found, favourite)
    assert sorted(row["name"] for row in board) == sorted(one["CandidateName"] for one in found)
    assert all(row["value"] is None or math.isfinite(row["value"]) for row in board)


def test_the_leaderboard_starts_with_the_best_and_ends_with_those_without_a_value() -> None:
    board = leaderboard([candidate("c", None, status="InProgress"), candidate("b", 0.5), candidate("a", 0.9)])
    assert board == [
        {"name": "a", "metric": "F1", "value": 0.9, "status": "Completed"},
        {"name": "b", "metric": "F1", "value": 0.5, "status": "Completed"},
        {"name": "c", "metric": None, "value": None, "status": "InProgress"},
    ]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.sampled_from(["F1", "RMSE"]))
def test_the_selected_candidate_is_the_best(values: list[float], metric: str) -> None:
    found = [candidate(f"c{index}", value, metric) for index, value in enumerate(values)]
    best = max(values) if metric == "F1" else min(values)
    assert select(found)["FinalAutoMLJobObjectiveMetric"]["Value"] == best


def test_a_candidate_is_described_with_every_metric_of_every_set_and_what_is_no_number_is_left_out() -> None:
    metrics = [
        {"MetricName": "F1", "StandardMetricName": "F1", "Value": 0.8, "Set": "Validation"},
        {"MetricName": "F1", "StandardMetricName": "F1", "Value": 0.95, "Set": "Train"},
        {"StandardMetricName": "LogLoss", "Value": 0.3, "Set": "Validation"},
        {"MetricName": "AUC", "Value": math.nan, "Set": "Validation"},
        {"MetricName": "Recall", "Value": 0.7},
    ]
    other = candidate("b", 0.9)
    found = described([candidate("a", 0.8, CandidateProperties={"CandidateMetrics": metrics}), other])
    assert [row["name"] for row in found] == ["b", "a"]
    assert found[1] == {
        "name": "a",
        "status": "Completed",
        "objective": {"name": "F1", "value": 0.8},
        "metrics": [
            {"name": "F1", "value": 0.8, "set": "Validation"},
            {"name": "F1", "value": 0.95, "set": "Train"},
            {"name": "LogLoss", "value": 0.3, "set": "Validation"},
            {"name": "Recall", "value": 0.7, "set": None},
        ],
        "containers": 1,
    }
