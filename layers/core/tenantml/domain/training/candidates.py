"""Candidates: which of the models that Autopilot trained may go live, judged by its metrics and their direction.

A candidate is a dictionary as ListCandidatesForAutoMLJob returns it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tenantml.errors import BelowQualityBar, NoCandidate

Candidate = dict[str, Any]

# fmt: off
MAXIMIZED = frozenset((
    "Accuracy", "AUC", "BalancedAccuracy", "F1", "F1macro", "Precision", "PrecisionMacro", "R2", "Recall",
    "RecallMacro", "Rouge1", "Rouge2", "RougeL", "RougeLSum",
))
MINIMIZED = frozenset((
    "AverageWeightedQuantileLoss", "InferenceLatency", "LogLoss", "MAE", "MAPE", "MASE", "MSE", "Perplexity", "RMSE",
    "TrainingLoss", "ValidationLoss", "WAPE",
))
# fmt: on
"""The direction of every metric that SageMaker names (AutoMLMetricExtendedEnum)."""


def select(candidates: Iterable[Candidate], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Return the candidate that is best by the objective among those that reach every threshold; ties go by name.

    `thresholds` maps a metric to its minimum or, for an error, to its maximum.

    Raises:
        NoCandidate: none completed with a value and containers to deploy.
        BelowQualityBar: none reaches the thresholds; the message names the best value of each.
    """
    deployable = [
        candidate
        for candidate in candidates
        if candidate["CandidateStatus"] == "Completed" and objective(candidate) and candidate.get("InferenceContainers")
    ]
    if not deployable:
        raise NoCandidate(
            "the job completed without a candidate that can be deployed; raise max_runtime_seconds or max_candidates"
        )
    values = {candidate["CandidateName"]: metrics(candidate) for candidate in deployable}
    reaching = [
        candidate
        for candidate in deployable
        if all(_reaches(values[candidate["CandidateName"]], metric, bar) for metric, bar in thresholds.items())
    ]
    if not reaching:
        raise BelowQualityBar(_verdict(values.values(), thresholds))
    return min(reaching, key=_rank)


def leaderboard(candidates: Iterable[Candidate]) -> list[dict[str, Any]]:
    """Return `{name, metric, value, status}` of every candidate, the best first, those without a value last."""
    board = []
    for candidate in sorted(candidates, key=_rank):
        metric = objective(candidate) or {"name": None, "value": None}
        board.append(
            {
                "name": candidate["CandidateName"],
                "metric": metric["name"],
                "value": metric["value"],
                "status": candidate["CandidateStatus"],
            }
        )
    return board


def objective(candidate: Candidate) -> dict[str, Any] | None:
    """Return `{name, value}` of the candidate's objective metric, None while it has no finite value."""
    metric = candidate.get("FinalAutoMLJobObjectiveMetric")
    if not metric or not math.isfinite(metric["Value"]):
        return None
    return {"name": _name(metric), "value": metric["Value"]}


def metrics(candidate: Candidate) -> dict[str, float]:
    """Return the candidate's metrics, except those measured on its training rows; its objective takes precedence."""
    measured = {
        _name(metric): metric["Value"]
        # Autopilot reports a metric per set; the later one of this order counts.
        for measured_on in ("Test", "Validation")
        for metric in candidate.get("CandidateProperties", {}).get("CandidateMetrics", [])
        if metric.get("Set") == measured_on
    }
    final = objective(candidate)
    return measured | ({final["name"]: final["value"]} if final else {})


def is_maximized(metric: str) -> bool:
    """Return whether a higher value of a metric is better.

    Raises:
        ValueError: SageMaker has no metric of this name.
    """
    if metric not in MAXIMIZED | MINIMIZED:
        raise ValueError(f"{metric!r} is not a metric of Autopilot")
    return metric in MAXIMIZED


def _name(metric: Mapping[str, Any]) -> str:
    """HPO jobs name the tuner's metric (`validation:f1_binary`) and state the standard one beside it."""
    return str(metric.get("StandardMetricName") or metric["MetricName"])


def _rank(candidate: Candidate) -> tuple[float, str]:
    metric = objective(candidate)
    if metric is None:
        return math.inf, candidate["CandidateName"]
    return (-metric["value"] if is_maximized(metric["name"]) else metric["value"]), candidate["CandidateName"]


def _reaches(values: Mapping[str, float], metric: str, bar: float) -> bool:
    if metric not in values:
        return False
    return values[metric] >= bar if is_maximized(metric) else values[metric] <= bar


def _verdict(all_values: Iterable[Mapping[str, float]], thresholds: Mapping[str, float]) -> str:
    """Name each threshold with the best value seen: each may have been reached, but never all by one candidate."""
    seen = list(all_values)
    judged = []
    for metric, bar in thresholds.items():
        reported = [values[metric] for values in seen if metric in values]
        threshold = f"{metric} {'at least' if is_maximized(metric) else 'at most'} {bar:g}"
        best = f"{(max if is_maximized(metric) else min)(reported):g}" if reported else "not reported"
        judged.append(f"{threshold} (best seen: {best})")
    return (
        f"none of {len(seen)} candidates reaches {' and '.join(judged)}; "
        "train on more or better rows, or change the thresholds of the model's settings"
    )
