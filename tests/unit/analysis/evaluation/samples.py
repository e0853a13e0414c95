"""Answers of models of a known quality, to rows whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tenantml.domain.predictions.answers import Predictions

Floats = NDArray[np.float64]


def truths(
    seed: int, rows: int, classes: Sequence[str], shares: Sequence[float] | None = None
) -> tuple[list[str], NDArray[np.int64]]:
    places = np.random.default_rng(seed).choice(len(classes), rows, p=shares)
    return [classes[place] for place in places], places


def classifier(seed: int, places: NDArray[np.int64], classes: Sequence[str], strength: float) -> Predictions:
    """A model that is right the more often the stronger it is; its probabilities have ties."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(len(places), len(classes)))
    logits[np.arange(len(places)), places] += strength
    probabilities = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 2)
    return answered(classes, probabilities, probabilities.argmax(axis=1))


def answered(classes: Sequence[str], probabilities: Floats, labels: NDArray[np.int64]) -> Predictions:
    return Predictions(
        tuple(classes), labels.tolist(), [tuple(repr(float(value)) for value in row) for row in probabilities]
    )


def numbers(values: Floats) -> Predictions:
    return Predictions((), [], [(repr(float(value)),) for value in values])


def probabilities_of(answers: Predictions) -> Floats:
    return np.array([[float(text) for text in line] for line in answers.lines])
