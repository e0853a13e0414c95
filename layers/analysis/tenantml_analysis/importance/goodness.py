"""How good answers are, as one number by which shuffled columns are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tenantml.domain.predictions.answers import Predictions
from tenantml_analysis.evaluation.scored_rows import class_rows, number_rows
from tenantml_analysis.evaluation.scoring import log_losses


def goodness(truths: Sequence[str], predictions: Predictions) -> float:
    """Return how good the answers to rows are, more is better: the mean logarithm of the probability of each true
    class, or the root mean squared error below zero.
    """
    if predictions.classes:
        rows, (answers,) = class_rows(truths, [predictions])
        return -float(np.mean(log_losses(rows, answers)))
    truth, (numbers,) = number_rows(truths, [predictions])
    with np.errstate(over="ignore", invalid="ignore"):  # infinite, which the caller has to expect
        return -float(np.sqrt(np.mean((truth - numbers.values) ** 2)))
