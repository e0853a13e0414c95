"""Autopilot's metrics: names, directions, defaults, values.

"Autopilot metrics" of the SageMaker developer guide; LogLoss is only a standard metric name, never an objective.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from local.sagemaker.trainer.job import JobFailed, ProblemType

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A metric that a job can optimise."""

    name: str
    autogluon: str  # AutoGluon's name of the same
    maximise: bool = True

    def better(self, value: float, than: float) -> bool:
        """Whether a value beats another."""
        return value > than if self.maximise else value < than


ACCURACY = Objective("Accuracy", "accuracy")
BALANCED_ACCURACY = Objective("BalancedAccuracy", "balanced_accuracy")
# The first of each is Autopilot's default.
OBJECTIVES: Mapping[ProblemType, tuple[Objective, ...]] = {
    "BinaryClassification": (
        Objective("F1", "f1"),
        ACCURACY,
        Objective("AUC", "roc_auc"),
        BALANCED_ACCURACY,
        Objective("Precision", "precision"),
        Objective("Recall", "recall"),
    ),
    "MulticlassClassification": (
        ACCURACY,
        BALANCED_ACCURACY,
        Objective("F1macro", "f1_macro"),
        Objective("PrecisionMacro", "precision_macro"),
        Objective("RecallMacro", "recall_macro"),
    ),
    "Regression": (
        Objective("MSE", "mean_squared_error", maximise=False),
        Objective("MAE", "mean_absolute_error", maximise=False),
        Objective("RMSE", "root_mean_squared_error", maximise=False),
        Objective("R2", "r2"),
    ),
}


def choose_objective(problem_type: ProblemType, name: str | None) -> Objective:
    """The named objective, or the default. Raises JobFailed when the metric does not fit the problem type."""
    possible = {objective.name: objective for objective in OBJECTIVES[problem_type]}
    if name is None:
        return OBJECTIVES[problem_type][0]
    if name not in possible:
        raise JobFailed(f"The objective metric {name} is not one of {', '.join(possible)}, as {problem_type} needs.")
    return possible[name]


def measure(problem_type: ProblemType, truth: Numbers, scores: Numbers) -> dict[str, float]:
    """Every metric of a problem type that these rows define, by AWS's name.

    `truth` holds class numbers (-1: a class that training never saw) or values; `scores` holds probabilities
    (rows, classes) or values. What is undefined (AUC with one class, R2 of one row) is left out.
    """
    if problem_type == "Regression":
        found = _regression(truth, scores)
    else:
        predicted = scores.argmax(axis=1).astype(np.float64)
        found = {
            "Accuracy": lambda: sk.accuracy_score(truth, predicted),
            "BalancedAccuracy": lambda: sk.balanced_accuracy_score(truth, predicted),
            "LogLoss": lambda: _log_loss(truth, scores),
        }
        found |= (
            _binary(truth, predicted, scores) if problem_type == "BinaryClassification" else _macro(truth, predicted)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns about each class that is absent or never predicted
        values = {name: float(value()) for name, value in found.items()}
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _regression(truth: Numbers, values: Numbers) -> dict[str, Callable[[], float]]:
    return {
        "MSE": lambda: sk.mean_squared_error(truth, values),
        "RMSE": lambda: sk.root_mean_squared_error(truth, values),
        "MAE": lambda: sk.mean_absolute_error(truth, values),
        "R2": lambda: sk.r2_score(truth, values),
    }


def _binary(truth: Numbers, predicted: Numbers, scores: Numbers) -> dict[str, Callable[[], float]]:
    positive, said = truth == 1, predicted == 1
    return {
        "F1": lambda: sk.f1_score(positive, said, zero_division=0),
        "Precision": lambda: sk.precision_score(positive, said, zero_division=0),
        "Recall": lambda: sk.recall_score(positive, said, zero_division=0),
        "AUC": lambda: sk.roc_auc_score(positive, scores[:, 1]) if 0 < positive.sum() < len(positive) else math.nan,
    }


def _macro(truth: Numbers, predicted: Numbers) -> dict[str, Callable[[], float]]:
    return {
        "F1macro": lambda: sk.f1_score(truth, predicted, average="macro", zero_division=0),
        "PrecisionMacro": lambda: sk.precision_score(truth, predicted, average="macro", zero_division=0),
        "RecallMacro": lambda: sk.recall_score(truth, predicted, average="macro", zero_division=0),
    }


def _log_loss(truth: Numbers, scores: Numbers) -> float:
    known = truth >= 0
    if not known.any():
        return math.nan
    certain = scores[known] / scores[known].sum(axis=1, keepdims=True)  # float32 models sum to 1 only nearly
    return float(sk.log_loss(truth[known], certain, labels=range(scores.shape[1])))
