"""The parts of an evaluation that classes have: each class, the confusion matrix, calibration; and of two classes the
curves and the thresholds of the positive one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenantml_analysis.evaluation.curves import calibration, precision_recall, roc, threshold_table
from tenantml_analysis.evaluation.report import (
    CLASSES_MAX,
    CONFUSION_CLASSES_MAX,
    ClassReport,
    Confusion,
    Thresholds,
    shortened,
)
from tenantml_analysis.evaluation.resampling import rounded
from tenantml_analysis.evaluation.scored_rows import ClassAnswers, ClassRows


def class_parts(rows: ClassRows, answers: ClassAnswers) -> dict[str, Any]:
    """Return the fields `per_class`, `confusion` and `calibration` of an `Evaluation`."""
    every = np.arange(len(rows.truth))
    squares = np.einsum("ij,ij->i", answers.probabilities, answers.probabilities)
    brier = float((squares + 1 - 2 * answers.probabilities[every, rows.truth]).mean())
    of_label = answers.probabilities[every, answers.labels]
    return {
        "per_class": _per_class(rows, answers),
        "confusion": _confusion(rows, answers),
        "calibration": calibration("predicted label", of_label, answers.labels == rows.truth, brier),
    }


def binary_parts(
    rows: ClassRows, answers: ClassAnswers, positive: int, cost_false_positive: float, cost_false_negative: float
) -> dict[str, Any]:
    """Return the fields that two classes add or have otherwise."""
    scores, is_positive = answers.probabilities[:, positive], rows.truth == positive
    table = threshold_table(
        scores, is_positive, cost_false_positive=cost_false_positive, cost_false_negative=cost_false_negative
    )
    cheapest = min(table, key=lambda row: row.cost).threshold
    return {
        "roc": roc(scores, is_positive),
        "precision_recall": precision_recall(scores, is_positive),
        "thresholds": Thresholds(cost_false_positive, cost_false_negative, cheapest, table),
        "calibration": calibration("positive class", scores, is_positive, float(((scores - is_positive) ** 2).mean())),
    }


def _per_class(rows: ClassRows, answers: ClassAnswers) -> list[ClassReport]:
    count = len(rows.names)
    said = np.bincount(answers.labels, minlength=count)
    right = np.bincount(rows.truth[rows.truth == answers.labels], minlength=count)
    return [
        ClassReport(
            label=shortened(rows.names[place]),
            rows=int(rows.counts[place]),
            predicted=int(said[place]),
            precision=rounded(right[place] / max(1, said[place])),
            recall=rounded(right[place] / max(1, rows.counts[place])),
            f1=rounded(2 * right[place] / max(1, rows.counts[place] + said[place])),
        )
        for place in _most_frequent(rows)[:CLASSES_MAX]
    ]


def _confusion(rows: ClassRows, answers: ClassAnswers) -> Confusion:
    shown = _most_frequent(rows)[:CONFUSION_CLASSES_MAX]
    others = len(shown) < len(rows.names)
    size = len(shown) + others
    places = np.full(len(rows.names), len(shown))
    places[shown] = np.arange(len(shown))
    cells = np.bincount(places[rows.truth] * size + places[answers.labels], minlength=size * size)
    return Confusion([shortened(rows.names[place]) for place in shown], others, cells.reshape(size, size).tolist())


def _most_frequent(rows: ClassRows) -> list[int]:
    order: list[int] = np.argsort(-rows.counts, kind="stable").tolist()
    return order
