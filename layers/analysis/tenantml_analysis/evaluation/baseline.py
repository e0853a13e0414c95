"""The naive baseline: what somebody would answer who knows the target and no feature at all.

Of classes: the training set's most frequent one, with the shares of all as probabilities. Of numbers: the mean, and the
median where absolute errors count, of the rows themselves: the constants that have the least squared and the least
absolute error there.
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


def number_baseline(truth: Floats) -> NumberAnswers:
    """Return the same answers for every row: the mean of these rows, and their median."""
    with np.errstate(over="ignore"):
        return NumberAnswers(np.full(len(truth), truth.mean()), np.full(len(truth), np.median(truth)))
