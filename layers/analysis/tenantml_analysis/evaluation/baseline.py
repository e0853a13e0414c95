"""The naive baseline: what somebody would answer who knows the training set's target and no feature at all.

Of classes: the most frequent one, with the shares of all as probabilities. Of numbers: the mean, and the median where
absolute errors count: the constants that have the least squared and the least absolute error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tenantml_analysis.evaluation.scored_rows import ClassAnswers, ClassRows, Floats, NumberAnswers


def class_baseline(rows: ClassRows, training_classes: Mapping[str, int]) -> ClassAnswers:
    """Return the same answer for every row; `training_classes` has rows by class, and where there are none the
    holdout's own shares count. Classes that neither the holdout nor an answer holds are left out.
    """
    counts = np.zeros(len(rows.names))
    for label, count in training_classes.items():
        if (place := rows.classes.find(label)) is not None:
            counts[place] += count
    if not counts.sum():
        counts = rows.counts.astype(np.float64)
    labels = np.full(len(rows.truth), int(counts.argmax()))
    return ClassAnswers(labels, np.broadcast_to(counts / counts.sum(), (len(rows.truth), len(counts))))


def number_baseline(truth: Floats, mean: float | None, median: float | None) -> NumberAnswers:
    """Return the same answers for every row; those of the holdout where the training set's are unknown."""
    means = np.full(len(truth), truth.mean() if mean is None else mean)
    medians = np.full(len(truth), np.median(truth) if median is None else median)
    return NumberAnswers(means, medians)
