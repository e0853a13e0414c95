"""The bootstrap: intervals of metrics and of differences, from rows that are drawn again and again.

Percentile intervals, of one set of resamples for all models: each model is scored on the same draws, so that what is
hard for all cancels out of the differences (a paired bootstrap). Every class keeps its number of rows in every draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from tenantml.domain.judging.evaluation_summary import Estimate, Gain
from tenantml.domain.training.candidates import MINIMIZED
from tenantml_analysis.evaluation.scored_rows import Floats, Ints
from tenantml_analysis.evaluation.scoring import Scorer

RESAMPLES_MAX, RESAMPLES_MIN = 2000, 200
ROWS_DRAWN_MAX = 40_000_000  # of all resamples together: what bounds the time of large holdouts
OF_ROWS = frozenset({"Accuracy"})
OF_CLASSES = frozenset({"BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"})
OF_ONE_CLASS = frozenset({"AUC", "F1", "Precision", "Recall"})
"""Metrics from 0 to 1: means over all rows, means over the classes, and what stands on the rows of one of two."""
LARGEST = 1e120  # DynamoDB's numbers end at 1e126


def resamples_of(rows: int, most: int = RESAMPLES_MAX) -> int:
    """Return how many resamples so many rows get: fewer of many rows, whose intervals are narrow anyway."""
    return min(most, max(RESAMPLES_MIN, ROWS_DRAWN_MAX // rows))


def draws(strata: Ints, seed: str, count: int) -> Iterator[Floats]:
    """Yield how often each row is drawn, so many times; the same for the same seed. Each stratum keeps its size."""
    draw = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    order = np.argsort(strata, kind="stable")
    sizes = np.bincount(strata)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    widths = np.repeat(sizes, sizes).astype(np.float64)
    weights = np.empty(len(strata))
    for _ in range(count):
        drawn = (draw.random(len(strata)) * widths).astype(np.int64)
        drawn += starts
        weights[order] = np.bincount(drawn, minlength=len(strata))
        yield weights


class Bootstrap:
    """The metrics of several models on the rows as they are, and on each resample: (models, metrics, resamples)."""

    def __init__(self, scorers: Sequence[Scorer], strata: Ints, seed: str, resamples_max: int = RESAMPLES_MAX):
        self.names = scorers[0].names
        self._rows = len(strata)
        self._slack = _slack(np.bincount(strata)[np.unique(strata)])
        everything = np.ones(self._rows)
        self._values = np.array([scorer.values(everything) for scorer in scorers])
        self.resamples = resamples_of(self._rows, resamples_max)
        self._resampled = np.empty((len(scorers), len(self.names), self.resamples))
        for number, weights in enumerate(draws(strata, seed, self.resamples)):
            for model, scorer in enumerate(scorers):
                self._resampled[model, :, number] = scorer.values(weights)

    def estimates(self, model: int) -> dict[str, Estimate]:
        """Return a model's metrics with 95 % intervals, without those that cannot be computed."""
        found = {}
        for place, name in enumerate(self.names):
            value = float(self._values[model, place])
            low, high = self._bounds(self._resampled[model, place], 2.5, 97.5)
            if not _fits(value, low, high):
                continue
            if low == high and value in {0, 1} and (slack := self._slack.get(name)):
                low, high = (1 - slack, 1) if value else (0, slack)
            found[name] = Estimate(rounded(value), rounded(low), rounded(high))
        return found

    def gain(self, model: int, over: int, metric: str) -> Gain | None:
        """Return by how much one model is better than another by a metric, None where it cannot be computed."""
        place = self.names.index(metric)
        sign = -1 if metric in MINIMIZED else 1
        with np.errstate(over="ignore", invalid="ignore"):
            value = sign * float(self._values[model, place] - self._values[over, place])
            gains = sign * (self._resampled[model, place] - self._resampled[over, place])
        low, bound, high = self._bounds(gains, 2.5, 5, 97.5)
        return Gain(*map(rounded, (value, low, high, bound))) if _fits(value, low, high) else None

    def value(self, model: int, metric: str) -> float:
        """Return a model's metric on the rows as they are."""
        return rounded(float(self._values[model, self.names.index(metric)]))

    @staticmethod
    def _bounds(values: Floats, *percentiles: float) -> list[float]:
        values = values[np.isfinite(values)]
        found: list[float] = np.percentile(values, percentiles).tolist() if len(values) else [np.nan] * len(percentiles)
        return found


def _slack(rows_by_class: Ints) -> dict[str, float]:
    """Return by how much the interval of a metric is widened that no resample moves: none of rows without an error has
    one, but with 95 % confidence one in n / 3 of n rows may be wrong.
    """
    of_classes = np.minimum(3 / rows_by_class, 1)
    of_rows = min(3 / int(rows_by_class.sum()), 1)
    return (
        dict.fromkeys(OF_ROWS, of_rows)
        | dict.fromkeys(OF_CLASSES, float(of_classes.mean()))
        | dict.fromkeys(OF_ONE_CLASS, float(of_classes.max()))
    )


def rounded(value: float) -> float:
    """Return a number with the six digits that a report needs."""
    return float(f"{value:.6g}")


def _fits(*values: float) -> bool:
    return all(abs(value) < LARGEST for value in values)
