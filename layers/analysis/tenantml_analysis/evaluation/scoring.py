"""The metrics of one model on weighted rows: what each resample of the bootstrap computes again.

A scorer prepares what does not depend on the weights (the order of scores, the loss of each row), and then has all its
metrics for one set of weights in a few passes over arrays. Names and directions are those of the objectives that a
model may choose (`tenantml.domain.training.model_settings.METRICS`), and LogLoss. What cannot be computed is NaN.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tenantml_analysis.evaluation.scored_rows import ClassAnswers, ClassRows, Floats, Mask, NumberAnswers

SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)  # where scikit-learn's log_loss clips, too


class Scorer(Protocol):
    """Computes the metrics of one model."""

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics, in the order of the values."""

    def values(self, weights: Floats) -> Floats:
        """Return the metrics; a row counts as often as its weight says."""


class MulticlassScorer:
    """The metrics of several classes; macro ones are means over the classes that the holdout holds or the model
    predicted.
    """

    names = ("Accuracy", "BalancedAccuracy", "F1macro", "LogLoss", "PrecisionMacro", "RecallMacro")

    def __init__(self, rows: ClassRows, answers: ClassAnswers):
        self._counts = LabelCounts(rows, answers)
        self._losses = log_losses(rows, answers)

    def values(self, weights: Floats) -> Floats:
        """Return the metrics."""
        right, true, said = self._counts.of(weights)
        there, known = true > 0, (true > 0) | (said > 0)
        recall, total = _ratios(right, true), true.sum()
        return np.array(
            [
                right.sum() / total,
                recall[there].mean(),
                _ratios(2 * right, true + said)[known].mean(),
                _dot(weights, self._losses) / total,
                _ratios(right, said)[known].mean(),
                recall[known].mean(),
            ]
        )


class BinaryScorer:
    """The metrics of two classes, of which one is the positive one; rows of a class that the model does not know count
    as negative.
    """

    names = ("Accuracy", "AUC", "BalancedAccuracy", "F1", "LogLoss", "Precision", "Recall")

    def __init__(self, rows: ClassRows, answers: ClassAnswers, positive: int):
        self._counts = LabelCounts(rows, answers)
        self._losses = log_losses(rows, answers)
        self._positive = positive
        self._ranking = Ranking(answers.probabilities[:, positive], rows.truth == positive)

    def values(self, weights: Floats) -> Floats:
        """Return the metrics."""
        right, true, said = self._counts.of(weights)
        total, at = true.sum(), self._positive
        return np.array(
            [
                right.sum() / total,
                self._ranking.area(weights),
                _ratios(right, true)[true > 0].mean(),
                _ratio(2 * right[at], true[at] + said[at]),
                _dot(weights, self._losses) / total,
                _ratio(right[at], said[at]),
                _ratio(right[at], true[at]),
            ]
        )


class LabelCounts:
    """Rows by class and predicted class: each combination that occurs is counted, in one pass over the rows."""

    def __init__(self, rows: ClassRows, answers: ClassAnswers):
        self._classes = len(rows.names)
        cells, self._cell_of = np.unique(rows.truth * self._classes + answers.labels, return_inverse=True)
        self._truth, self._label = np.divmod(cells, self._classes)
        self._correct = np.flatnonzero(self._truth == self._label)

    def of(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Return by class how many rows are predicted right, are of it, and are predicted as it."""
        counts = np.bincount(self._cell_of, weights, len(self._truth))
        right = np.zeros(self._classes)
        right[self._truth[self._correct]] = counts[self._correct]
        true, said = (np.bincount(part, counts, self._classes) for part in (self._truth, self._label))
        return right, np.asarray(true, np.float64), np.asarray(said, np.float64)


class NumberScorer:
    """The metrics of a regression."""

    names = ("MAE", "MSE", "R2", "RMSE")

    def __init__(self, truth: Floats, answers: NumberAnswers):
        with np.errstate(over="ignore", invalid="ignore"):
            self._absolute = np.abs(truth - answers.values_for_absolute_errors)
            self._squares = (truth - answers.values) ** 2
        self._centred = truth - truth[0]  # any constant: a variance of large numbers alike keeps its digits
        with np.errstate(over="ignore"):
            self._centred_squares = self._centred**2

    def values(self, weights: Floats) -> Floats:
        """Return the metrics; R2 is NaN where all truths are the same."""
        rows = weights.sum()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            squared = _dot(weights, self._squares) / rows
            variance = _dot(weights, self._centred_squares) / rows - (_dot(weights, self._centred) / rows) ** 2
            explained = 1 - squared / variance if variance > 0 else np.nan
            return np.array([_dot(weights, self._absolute) / rows, squared, explained, np.sqrt(squared)])


class Ranking:
    """How many negative rows score below each positive one: what the area under the ROC curve counts."""

    def __init__(self, scores: Floats, positive: Mask):
        self._positive, negative = np.flatnonzero(positive), np.flatnonzero(~positive)
        self._negative = negative[np.argsort(scores[negative], kind="stable")]
        self._below, self._not_above = (
            np.searchsorted(scores[self._negative], scores[self._positive], side) for side in ("left", "right")
        )

    def area(self, weights: Floats) -> float:
        """Return the share of pairs of a positive and a negative row that are in order, ties counting half."""
        summed = np.append(0, np.cumsum(weights[self._negative]))
        positive = weights[self._positive]
        pairs = positive.sum() * summed[-1]
        in_order = _dot(positive, summed[self._below]) + _dot(positive, summed[self._not_above])
        return in_order / 2 / pairs if pairs > 0 else float("nan")


def log_losses(rows: ClassRows, answers: ClassAnswers) -> Floats:
    """Return the negative logarithm of the probability that each row's true class was given."""
    totals = answers.probabilities.sum(axis=1)
    given = answers.probabilities[np.arange(len(rows.truth)), rows.truth] / np.where(totals > 0, totals, 1)
    losses: Floats = -np.log(np.clip(given, SMALLEST_PROBABILITY, 1))
    return losses


def _ratios(numerators: Floats, denominators: Floats) -> Floats:
    """Return the ratios, 0 where there is nothing to divide by, as scikit-learn does."""
    return np.divide(numerators, denominators, out=np.zeros(len(numerators)), where=denominators > 0)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0


def _dot(weights: Floats, values: Floats) -> float:
    """Return the weighted sum, without BLAS: its threads spin, and cost ten times the CPU that they save."""
    return float(np.einsum("i,i", weights, values))
