"""The rows of a holdout with what is true of each and what endpoints answered: the arrays that all metrics read.

Of an answer only the label and the probability of every class count, matched to classes by name: the endpoint's own
`probability` is that of the positive class from a tuned model and that of the predicted label from an ensemble
(SageMaker developer guide, "Configure inference output in generated containers").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tenantml.domain.meaning import boolean_of, label_key, number_of
from tenantml.domain.predictions.answers import Predictions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Classes:
    """The classes that occur, each with a place: labels of one meaning (such as 1 and 1.0) are one class."""

    def __init__(self, names: tuple[str, ...]):
        self.names: list[str] = []
        self._numeric = all(number_of(name) is not None for name in names)
        self._boolean = all(boolean_of(name) is not None for name in names)
        self._places: dict[object, int] = {}
        self.places(names)

    def find(self, label: str) -> int | None:
        """Return the place of a label's class, None when there is none."""
        return self._places.get(self._key(label))

    def places(self, labels: Sequence[str]) -> Ints:
        """Return the place of each label's class; a class that was not there before gets one."""
        known = {}
        for label in dict.fromkeys(labels):
            known[label] = self._places.setdefault(self._key(label), len(self.names))
            if known[label] == len(self.names):
                self.names.append(label)
        return np.fromiter(map(known.__getitem__, labels), np.int64, len(labels))

    def _key(self, label: str) -> object:
        key = label_key(label, numeric=self._numeric, boolean=self._boolean)
        return label if key is None else key  # a text among numbers or booleans


@dataclass(frozen=True)
class ClassAnswers:
    """The answers of one model: the place of each row's label, and the probabilities, (rows, classes)."""

    labels: Ints
    probabilities: Floats


@dataclass(frozen=True)
class ClassRows:
    """Rows of a classification: `truth` has the place of each row's class, `counts` the rows of each class."""

    classes: Classes
    truth: Ints
    counts: Ints

    @property
    def names(self) -> list[str]:
        """The labels of the classes, by place."""
        return self.classes.names


@dataclass(frozen=True)
class NumberAnswers:
    """The answers of one model to a regression; a baseline may answer otherwise where absolute errors count."""

    values: Floats
    values_for_absolute_errors: Floats


def class_rows(truths: Sequence[str], answers: Sequence[Predictions]) -> tuple[ClassRows, list[ClassAnswers]]:
    """Return the rows, and the answers of each model, in one order of classes: the first model's, then whatever others
    answer or the holdout holds. A class that a model does not know has probability 0 there, so it cannot be right.

    Raises:
        ValueError: a model did not answer every row: a bug of the caller, for each answer was checked when it was read.
    """
    classes = Classes(answers[0].classes)
    orders = [classes.places(part.classes) for part in answers]
    truth = classes.places(truths)
    aligned = []
    for part, order in zip(answers, orders, strict=True):
        _require_one_each(part, len(truths))
        given = _floats_of(part).reshape(len(truths), len(part.classes))
        probabilities = np.zeros((len(truths), len(classes.names)))
        probabilities[:, order] = given
        aligned.append(ClassAnswers(order[np.array(part.labels, np.int64)], probabilities))
    return ClassRows(classes, truth, np.bincount(truth, minlength=len(classes.names))), aligned


def number_rows(truths: Sequence[str], answers: Sequence[Predictions]) -> tuple[Floats, list[NumberAnswers]]:
    """Return the true values, and the answers of each model.

    Raises:
        ValueError: a truth is no number, or a model did not answer every row: bugs of the caller; the pre-flight
            refuses such targets, and each answer was checked when it was read.
    """
    truth = np.array([float(text) for text in truths])
    read = []
    for part in answers:
        _require_one_each(part, len(truths))
        values = _floats_of(part)
        read.append(NumberAnswers(values, values))
    return truth, read


def positive_class(classes: Sequence[str]) -> int:
    """Return the place of the positive one of two classes: the second in order, as AutoGluon has it (`1` of 0 and 1,
    `True` of False and True, `yes` of no and yes).
    """
    known = list(classes[:2])
    for read in (number_of, boolean_of):
        keys = [read(name) for name in known]
        if None not in keys:
            return int(np.argmax([float(key or 0) for key in keys]))
    return max(range(len(known)), key=known.__getitem__)


def _floats_of(answers: Predictions) -> Floats:
    width = len(answers.classes) or 1
    return np.fromiter(map(float, chain.from_iterable(answers.lines)), np.float64, len(answers.lines) * width)


def _require_one_each(answers: Predictions, rows: int) -> None:
    if len(answers.lines) != rows:
        raise ValueError(f"{len(answers.lines)} answers to {rows} rows cannot be judged")
