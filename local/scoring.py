"""Predictions against what really happened: the metrics that fit the problem type, and where the errors are.

scikit-learn takes seconds to import: that happens when something is scored, not before the demonstration's first line.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tenantml.domain.meaning import label_key

Prediction = Mapping[str, Any]


@dataclass(frozen=True)
class Confusion:
    """How often each class (row) was predicted as each class (column), in the order of `classes`."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Residuals:
    """`truth - predicted`, in the target's unit."""

    mean: float
    median_absolute: float
    ninetieth_percentile_absolute: float
    largest_absolute: float


@dataclass(frozen=True)
class Score:
    """`metrics` is accuracy, f1, auc (binary), accuracy, f1_macro (multiclass) or rmse, r2 (regression), as far as the
    rows define them: auc needs both classes among them, r2 two values.
    """

    metrics: dict[str, float]
    errors: Confusion | Residuals


def score(problem_type: str, truth: Sequence[str], predictions: Sequence[Prediction]) -> Score:
    """Score the predict API's `predictions` against the target's text, row by row.

    `problem_type` is one of Autopilot's: BinaryClassification, MulticlassClassification, Regression.

    Raises:
        ValueError: another number of predictions than rows, no rows, or an unknown problem type.
    """
    if not truth or len(truth) != len(predictions):
        raise ValueError(f"{len(predictions)} predictions do not answer {len(truth)} rows")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, about what the rows do not define
        match problem_type:
            case "BinaryClassification":
                result = _binary(truth, predictions)
            case "MulticlassClassification":
                result = _multiclass(truth, predictions)
            case "Regression":
                result = _regression(truth, predictions)
            case _:
                raise ValueError(f"{problem_type!r} is not a problem type of Autopilot's")
    return replace(result, metrics={name: value for name, value in result.metrics.items() if math.isfinite(value)})


def positive_class(classes: Sequence[str]) -> str:
    """The class that F1 and AUC are about: the second of two, numbers by value and text by code point.

    So 1 of 0 and 1, `True.` of `False.` and `True.`, `yes` of `no` and `yes`; the same as the trainer's own choice.
    """
    return _ordered(classes)[-1]


def _binary(truth: Sequence[str], predictions: Sequence[Prediction]) -> Score:
    from sklearn import metrics

    classes = [str(name) for name in predictions[0]["probabilities"]]
    truth, labels = _respelt(truth, predictions, classes)
    positive = positive_class(classes)
    actual = [text == positive for text in truth]
    scores = [prediction["probabilities"][positive] for prediction in predictions]
    values = {
        "accuracy": float(metrics.accuracy_score(truth, labels)),
        "f1": float(metrics.f1_score(actual, [label == positive for label in labels], zero_division=0)),
        "auc": float(metrics.roc_auc_score(actual, scores)) if len(set(actual)) == 2 else math.nan,
    }
    return Score(values, _confusion(truth, labels))


def _multiclass(truth: Sequence[str], predictions: Sequence[Prediction]) -> Score:
    from sklearn import metrics

    truth, labels = _respelt(truth, predictions)
    scores = {
        "accuracy": float(metrics.accuracy_score(truth, labels)),
        "f1_macro": float(metrics.f1_score(truth, labels, average="macro", zero_division=0)),
    }
    return Score(scores, _confusion(truth, labels))


def _regression(truth: Sequence[str], predictions: Sequence[Prediction]) -> Score:
    from sklearn import metrics

    actual = [float(text) for text in truth]
    predicted = [float(prediction["predicted_value"]) for prediction in predictions]
    residuals = [was - said for was, said in zip(actual, predicted, strict=True)]
    sizes = sorted(abs(residual) for residual in residuals)
    return Score(
        {
            "rmse": float(metrics.root_mean_squared_error(actual, predicted)),
            "r2": float(metrics.r2_score(actual, predicted)),
        },
        Residuals(
            mean=math.fsum(residuals) / len(residuals),
            median_absolute=sizes[len(sizes) // 2],
            ninetieth_percentile_absolute=sizes[math.ceil(len(sizes) * 0.9) - 1],
            largest_absolute=sizes[-1],
        ),
    )


def _respelt(
    truth: Sequence[str], predictions: Sequence[Prediction], classes: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Return truth and predicted labels with one spelling for each class: the model's, where it has one."""
    labels = [str(prediction["predicted_label"]) for prediction in predictions]
    names = [*classes, *labels, *truth]
    key = _key_of(names)
    spellings: dict[Any, str] = {}
    for name in names:
        spellings.setdefault(key(name), name)
    return [spellings[key(text)] for text in truth], [spellings[key(label)] for label in labels]


def _confusion(truth: Sequence[str], labels: Sequence[str]) -> Confusion:
    from sklearn import metrics

    classes = _ordered({*truth, *labels})
    counts = metrics.confusion_matrix(truth, labels, labels=classes)
    return Confusion(tuple(classes), tuple(tuple(int(count) for count in row) for row in counts))


def _ordered(classes: Collection[str]) -> list[str]:
    return sorted(classes, key=_key_of(classes))


def _key_of(names: Collection[str]) -> Callable[[str], Any]:
    """Return what tells these classes apart, as training does."""
    from local.sagemaker.serving.cells import kind_of

    kind = kind_of(names)
    return lambda name: label_key(name, numeric=kind == "number", boolean=kind == "boolean")
