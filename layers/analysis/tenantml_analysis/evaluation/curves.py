"""What a threshold on a probability trades: ROC, precision and recall, counts and cost, calibration.

Every list is bounded, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from tenantml_analysis.evaluation.resampling import rounded
from tenantml_analysis.evaluation.scored_rows import Floats, Ints, Mask

POINTS_MAX = 200
THRESHOLDS = tuple(hundredth / 100 for hundredth in range(1, 100))
BINS_MAX, BIN_ROWS = 10, 30


@dataclass(frozen=True)
class Curve:
    """A curve as a list of points."""

    x: list[float]
    y: list[float]
    thresholds: list[float]


@dataclass(frozen=True)
class ThresholdRow:
    """What becomes of the rows when the positive class is said from a threshold of its probability on."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    cost: float


@dataclass(frozen=True)
class Bin:
    """Rows that were given about the same probability, and how often it came true."""

    low: float
    high: float
    rows: int
    mean_probability: float
    share: float


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be taken at their word."""

    what: Annotated[str, "`positive class` or `predicted label`: whose probability it is"]
    brier: Annotated[float, "Mean squared error of the probabilities: of the positive class, or summed over all"]
    expected_error: Annotated[float, "How far share and mean probability of a bin differ, weighted by its rows (ECE)"]
    bins: Annotated[list[Bin], "At most 10 of about as many rows, at least 30 each where there are enough"]


def roc(scores: Floats, positive: Mask) -> Curve:
    """Return the false and the true positive rates (x and y), from the strictest threshold to the mildest."""
    thresholds, right, wrong = _cumulated(scores, positive)
    at = _spread(len(thresholds))
    false_rates = np.append(0, wrong[at] / max(1, wrong[-1]))
    true_rates = np.append(0, right[at] / max(1, right[-1]))
    return _curve(false_rates, true_rates, np.append(max(1.0, thresholds[0]), thresholds[at]))


def precision_recall(scores: Floats, positive: Mask) -> Curve:
    """Return recalls and precisions (x and y), from the strictest threshold to the mildest."""
    thresholds, right, wrong = _cumulated(scores, positive)
    at = _spread(len(thresholds))
    return _curve(right[at] / max(1, right[-1]), right[at] / (right[at] + wrong[at]), thresholds[at])


def threshold_table(
    scores: Floats, positive: Mask, *, cost_false_positive: float, cost_false_negative: float
) -> list[ThresholdRow]:
    """Return the counts and the cost of every hundredth."""
    hits, misses = np.sort(scores[positive]), np.sort(scores[~positive])
    table = []
    for threshold in THRESHOLDS:
        missed = int(np.searchsorted(hits, threshold))
        rejected = int(np.searchsorted(misses, threshold))
        raised = len(misses) - rejected
        cost = raised * cost_false_positive + missed * cost_false_negative
        table.append(ThresholdRow(threshold, len(hits) - missed, raised, missed, rejected, rounded(cost)))
    return table


def calibration(what: str, probabilities: Floats, came_true: Mask, brier: float) -> Calibration:
    """Return bins of about as many rows each; equal probabilities share one."""
    count = int(np.clip(len(probabilities) // BIN_ROWS, 1, BINS_MAX))
    edges = np.unique(np.quantile(probabilities, np.arange(1, count) / count))
    of_rows: Ints = np.searchsorted(edges, probabilities)
    bins = []
    error = 0.0
    for number in np.unique(of_rows):
        inside = of_rows == number
        rows, mean, share = int(inside.sum()), float(probabilities[inside].mean()), float(came_true[inside].mean())
        error += rows / len(probabilities) * abs(mean - share)
        low, high = float(probabilities[inside].min()), float(probabilities[inside].max())
        bins.append(Bin(rounded(low), rounded(high), rows, rounded(mean), rounded(share)))
    return Calibration(what, rounded(brier), rounded(error), bins)


def _cumulated(scores: Floats, positive: Mask) -> tuple[Floats, Ints, Ints]:
    """Return each different score from the highest on, with the positive and negative rows that have it or more."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    right = np.cumsum(positive[order], dtype=np.int64)[last]
    return ordered[last], right, last + 1 - right


def _spread(count: int) -> Ints:
    """Return which of so many points are kept: all, or as many as there is room for, the first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, POINTS_MAX)).round().astype(np.int64))


def _curve(x: Floats, y: Floats, thresholds: Floats) -> Curve:
    return Curve(*([rounded(value) for value in part.tolist()] for part in (x, y, thresholds)))
