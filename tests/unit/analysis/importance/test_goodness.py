"""How good answers are, as scikit-learn has it."""

from __future__ import annotations

import pytest
from sklearn.metrics import log_loss, root_mean_squared_error

from tenantml.domain.predictions.answers import Predictions
from tenantml_analysis.importance import goodness


def test_a_classification_is_as_good_as_its_log_loss_is_small() -> None:
    truths = ["no", "yes", "yes", "no"]
    shares = [(0.9, 0.1), (0.2, 0.8), (0.6, 0.4), (0.5, 0.5)]
    answers = Predictions(("no", "yes"), [0, 1, 0, 0], [(str(no), str(yes)) for no, yes in shares])
    assert goodness(truths, answers) == pytest.approx(-log_loss(truths, shares))


def test_a_regression_is_as_good_as_its_squared_error_is_small() -> None:
    truths, answers = ["1.5", "2", "-3"], ["1", "2.5", "0"]
    expected = -root_mean_squared_error([float(text) for text in truths], [float(text) for text in answers])
    assert goodness(truths, Predictions((), [], [(text,) for text in answers])) == pytest.approx(expected)
