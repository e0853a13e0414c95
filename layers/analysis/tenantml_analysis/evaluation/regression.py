"""The part of an evaluation that numbers have: residuals."""

from __future__ import annotations

import numpy as np

from tenantml_analysis.evaluation.report import PredictionBin, Residuals
from tenantml_analysis.evaluation.resampling import LARGEST, rounded
from tenantml_analysis.evaluation.scored_rows import Floats

PERCENTS = (1, 5, 10, 25, 50, 75, 90, 95, 99)
BINS_MAX, BIN_ROWS = 10, 30


def residuals(truth: Floats, predicted: Floats) -> Residuals | None:
    """Return the quantiles of what was true minus what was predicted, and both means by size of the prediction; None of
    numbers so large that sums of them may be no numbers.
    """
    if max(np.abs(truth).max(), np.abs(predicted).max()) > LARGEST:
        return None
    differences = truth - predicted
    parts = np.array_split(np.argsort(predicted, kind="stable"), np.clip(len(truth) // BIN_ROWS, 1, BINS_MAX))
    return Residuals(
        quantiles=_quantiles(differences),
        absolute_quantiles=_quantiles(np.abs(differences)),
        by_prediction=[
            PredictionBin(len(part), rounded(predicted[part].mean()), rounded(truth[part].mean())) for part in parts
        ],
    )


def _quantiles(values: Floats) -> dict[str, float]:
    return {
        str(percent): rounded(value)
        for percent, value in zip(PERCENTS, np.percentile(values, PERCENTS).tolist(), strict=True)
    }
