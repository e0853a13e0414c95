"""Candidates: which of the models that Autopilot trained may go live, judged by its metrics and their direction.

A candidate is a dictionary as ListCandidatesForAutoMLJob returns it. Jobs were seen to name their objective metric as
the algorithm does, such as `validation:f1`, with neither the standard name nor the direction that the API reference
has beside it. A metric of an unknown name is shown as it is, and Autopilot's own choice counts where it decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tenantml.errors import NoCandidate

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

STANDARD_NAMES = {
    "absolute_loss": "MAE",
    "accuracy": "Accuracy",
    "auc": "AUC",
    "balanced_accuracy": "BalancedAccuracy",
    "binary_classification_accuracy": "Accuracy",
    "binary_f_beta": "F1",
    "f1": "F1",
    "f1_binary": "F1",
    "f1_macro": "F1macro",
    "logloss": "LogLoss",
    "macro_f_beta": "F1macro",
    "macro_precision": "PrecisionMacro",
    "macro_recall": "RecallMacro",
    "mae": "MAE",
    "mlogloss": "LogLoss",
    "mse": "MSE",
    "multiclass_accuracy": "Accuracy",
    "precision": "Precision",
    "precision_macro": "PrecisionMacro",
    "r2": "R2",
    "recall": "Recall",
    "recall_macro": "RecallMacro",
    "rmse": "RMSE",
    "roc_auc_score": "AUC",
}
"""Our names of the metrics that Autopilot's algorithms compute on validation rows (SageMaker developer guide, "Tune an
XGBoost model" and "Tune a linear learner model")."""


def deployable(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates that completed with a value and containers to deploy.

    Raises:
        NoCandidate: there is none.
    """
    found = [
        candidate
        for candidate in candidates
        if candidate["CandidateStatus"] == "Completed" and objective(candidate) and candidate.get("InferenceContainers")
    ]
    if not found:
        raise NoCandidate(
            "the job completed without a candidate that can be deployed; raise max_runtime_seconds or max_candidates"
        )
    return found


def named(candidates: Iterable[Candidate], name: str) -> Candidate:
    """Return the candidate of this name, which can be deployed.

    Raises:
        NoCandidate: the job has none of this name, or it cannot be deployed.
    """
    for candidate in deployable(candidates):
        if candidate["CandidateName"] == name:
            return candidate
    raise NoCandidate(f"the training has no candidate {name!r} that can be deployed; its version lists those it has")


def select(candidates: list[Candidate], favourite: str = "") -> Candidate:
    """Return the candidate that is best by the objective; ties go by name.

    `candidates` are deployable. `favourite` is the candidate that Autopilot calls best: it comes first where the
    direction of a metric is unknown.
    """
    return min(candidates, key=_rank(favourite))


def leaderboard(candidates: Iterable[Candidate], favourite: str = "") -> list[dict[str, Any]]:
    """Return `{name, metric, value, status}` of every candidate, the best first, those without a value last.

    `favourite` is as in `select`.
    """
    board = []
    for candidate in sorted(candidates, key=_rank(favourite)):
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


def described(candidates: Iterable[Candidate], favourite: str = "") -> list[dict[str, Any]]:
    """Return `{name, status, objective, metrics, containers}` of every candidate, in the order of `leaderboard`; each
    metric with the set of rows that it was measured on.
    """
    return [
        {
            "name": candidate["CandidateName"],
            "status": candidate["CandidateStatus"],
            "objective": objective(candidate),
            "metrics": [
                {"name": _name(metric), "value": metric["Value"], "set": metric.get("Set")}
                for metric in candidate.get("CandidateProperties", {}).get("CandidateMetrics", [])
                if math.isfinite(metric.get("Value", math.nan))
            ],
            "containers": len(candidate.get("InferenceContainers") or []),
        }
        for candidate in sorted(candidates, key=_rank(favourite))
    ]


def objective(candidate: Candidate) -> dict[str, Any] | None:
    """Return `{name, value}` of the candidate's objective metric, None while it has no finite value."""
    metric = candidate.get("FinalAutoMLJobObjectiveMetric")
    if not metric or not math.isfinite(metric.get("Value", math.nan)):
        return None
    return {"name": _name(metric), "value": metric["Value"]}


def metrics(candidate: Candidate) -> dict[str, float]:
    """Return the candidate's metrics, except those measured on its training rows; its objective takes precedence."""
    measured = {
        _name(metric): metric["Value"]
        # Autopilot reports a metric per set; the later one of this order counts.
        for measured_on in ("Test", "Validation")
        for metric in candidate.get("CandidateProperties", {}).get("CandidateMetrics", [])
        if metric.get("Set") == measured_on and math.isfinite(metric.get("Value", math.nan))
    }
    final = objective(candidate)
    return measured | ({final["name"]: final["value"]} if final else {})


def _name(metric: Mapping[str, Any]) -> str:
    """Return the standard name of a metric, or the name that it has when there is none."""
    if standard := metric.get("StandardMetricName"):
        return str(standard)
    name = str(metric.get("MetricName") or "unnamed")
    return STANDARD_NAMES.get(name.removeprefix("validation:"), name)


def _sign(metric: str) -> int:
    """Return by what a value is multiplied so that less is better; 0 when the direction is unknown."""
    return -1 if metric in MAXIMIZED else int(metric in MINIMIZED)


def _rank(favourite: str) -> Callable[[Candidate], tuple[int, float, str]]:
    """Return the key that sorts the best candidate first: known directions, unknown ones, those without a value."""

    def rank(candidate: Candidate) -> tuple[int, float, str]:
        name, final = candidate["CandidateName"], objective(candidate)
        if final is None:
            return 2, 0, name
        if sign := _sign(final["name"]):
            return 0, sign * final["value"], name
        return 1, float(name != favourite), name

    return rank
