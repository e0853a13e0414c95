"""Every value equals scikit-learn's, which is what Autopilot's containers and AutoGluon compute with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.training.candidates import MAXIMIZED, MINIMIZED
from tenantml.domain.training.model_settings import METRICS
from tenantml_analysis.evaluation import Evaluation, EvaluationSettings, evaluate
from tests.unit.analysis.evaluation.samples import answered, classifier, numbers, probabilities_of, truths

BINARY, MULTICLASS, REGRESSION = METRICS
near = pytest.approx


def values(evaluation: Evaluation) -> dict[str, float]:
    return {name: estimate.value for name, estimate in evaluation.metrics.items()}


def settings_of(problem_type: str, objective: str = "Accuracy", seed: str = "execution") -> EvaluationSettings:
    return EvaluationSettings(problem_type, objective, seed, resamples_max=20)


@given(seed=st.integers(0, 10**6), rows=st.integers(20, 300), strength=st.floats(0, 3), share=st.floats(0.2, 0.8))
@example(seed=28272, rows=20, strength=1, share=0.21875)  # all rows are of one class
@settings(max_examples=25, deadline=None)
def test_the_metrics_of_two_classes_are_those_of_scikit_learn(
    seed: int, rows: int, strength: float, share: float
) -> None:
    classes = ("no", "yes")
    texts, places = truths(seed, rows, classes, (1 - share, share))
    answers = classifier(seed + 1, places, classes, strength)
    said, scores = np.array(answers.labels), probabilities_of(answers)
    found = values(evaluate(texts, answers, settings_of(BINARY)))
    there = sorted(set(places))  # balanced_accuracy_score warns of classes that are only predicted
    auc = {"AUC": sk.roc_auc_score(places, scores[:, 1])} if len(there) == 2 else {}  # scikit-learn's is no number
    expected = auc | {
        "Accuracy": sk.accuracy_score(places, said),
        "BalancedAccuracy": sk.recall_score(places, said, labels=there, average="macro"),
        "F1": sk.f1_score(places, said, zero_division=0),
        "LogLoss": sk.log_loss(places, scores / scores.sum(axis=1, keepdims=True), labels=[0, 1]),
        "Precision": sk.precision_score(places, said, zero_division=0),
        "Recall": sk.recall_score(places, said, zero_division=0),
    }
    assert found == {name: near(value, rel=1e-5) for name, value in expected.items()}


@given(seed=st.integers(0, 10**6), rows=st.integers(20, 300), strength=st.floats(0, 3), count=st.integers(3, 12))
@settings(max_examples=25, deadline=None)
def test_the_metrics_of_many_classes_are_those_of_scikit_learn(
    seed: int, rows: int, strength: float, count: int
) -> None:
    classes = [f"c{number:02}" for number in range(count)]
    texts, places = truths(seed, rows, classes)
    answers = classifier(seed + 1, places, classes, strength)
    said, scores = np.array(answers.labels), probabilities_of(answers)
    found = values(evaluate(texts, answers, settings_of(MULTICLASS)))
    macro = {"average": "macro", "zero_division": 0}
    there = sorted(set(places))
    balanced = sk.recall_score(places, said, labels=there, average="macro")
    assert found == {
        "Accuracy": near(sk.accuracy_score(places, said), rel=1e-5),
        "BalancedAccuracy": near(balanced, rel=1e-5),
        "F1macro": near(sk.f1_score(places, said, **macro), rel=1e-5),
        "LogLoss": near(sk.log_loss(places, scores / scores.sum(axis=1, keepdims=True), labels=range(count)), rel=1e-5),
        "PrecisionMacro": near(sk.precision_score(places, said, **macro), rel=1e-5),
        "RecallMacro": near(sk.recall_score(places, said, **macro), rel=1e-5),
    }


@given(seed=st.integers(0, 10**6), rows=st.integers(20, 300), centre=st.sampled_from([0.0, 1e6, -1e9]))
@settings(max_examples=25, deadline=None)
def test_the_metrics_of_numbers_are_those_of_scikit_learn(seed: int, rows: int, centre: float) -> None:
    draw = np.random.default_rng(seed)
    truth = centre + draw.normal(size=rows)
    predicted = truth + draw.normal(size=rows) * 0.5
    found = values(evaluate([repr(float(value)) for value in truth], numbers(predicted), settings_of(REGRESSION)))
    assert found == {
        "MAE": near(sk.mean_absolute_error(truth, predicted), rel=1e-5),
        "MSE": near(sk.mean_squared_error(truth, predicted), rel=1e-5),
        "R2": near(sk.r2_score(truth, predicted), rel=1e-5),
        "RMSE": near(sk.root_mean_squared_error(truth, predicted), rel=1e-5),
    }


@pytest.mark.parametrize("problem_type", METRICS)
def test_every_objective_that_a_model_may_have_is_computed_and_has_a_direction(problem_type: str) -> None:
    texts, answers = _sample(problem_type)
    found = set(evaluate(texts, answers, settings_of(problem_type)).metrics)
    assert set(METRICS[problem_type]) <= found <= MAXIMIZED | MINIMIZED


def _sample(problem_type: str) -> tuple[list[str], Predictions]:
    if problem_type == REGRESSION:
        truth = np.arange(60.0)
        return [str(value) for value in truth], numbers(truth + 1)
    classes = ("a", "b") if problem_type == BINARY else ("a", "b", "c")
    texts, places = truths(1, 60, classes)
    return texts, classifier(2, places, classes, 1)


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (("1", "0"), "1"),
        (("1.0", "0.0"), "1.0"),
        (("10", "9"), "10"),
        (("True", "False"), "True"),
        (("yes", "no"), "yes"),
    ],
)
def test_the_second_of_two_classes_is_the_positive_one(classes: Sequence[str], positive: str) -> None:
    texts, places = truths(1, 60, classes)
    answers = classifier(2, places, classes, 1)
    evaluation = evaluate(texts, answers, settings_of(BINARY))
    assert evaluation.positive_class == positive
    other = evaluate(texts, answers, EvaluationSettings(BINARY, "F1", "s", positive_class=classes[1], resamples_max=20))
    assert other.positive_class == classes[1]
    assert other.metrics["AUC"].value == evaluation.metrics["AUC"].value
    assert other.metrics["F1"] != evaluation.metrics["F1"]


def test_labels_are_matched_by_meaning_and_columns_of_probabilities_by_label() -> None:
    texts, places = truths(1, 100, ("0", "1"))
    answers = classifier(2, places, ("0", "1"), 2)
    turned = answered(("1.0", "0.0"), probabilities_of(answers)[:, ::-1], 1 - np.array(answers.labels))
    plain, other = (values(evaluate(texts, given_, settings_of(BINARY))) for given_ in (answers, turned))
    assert plain == other


def test_a_row_of_a_class_that_the_model_does_not_know_counts_as_wrong() -> None:
    answers = answered(("a", "b"), np.array([[0.9, 0.1]] * 4), np.zeros(4, np.int64))
    evaluation = evaluate(["a", "a", "a", "new"], answers, settings_of(MULTICLASS))
    assert values(evaluation)["Accuracy"] == 0.75
    assert values(evaluation)["LogLoss"] == near((3 * -math.log(0.9) + 36.04365) / 4, rel=1e-5)
    assert evaluation.classes == 3


def test_what_cannot_be_computed_is_left_out() -> None:
    same = answered(("a", "b"), np.array([[0.9, 0.1]] * 40), np.zeros(40, np.int64))
    assert "AUC" not in evaluate(["a"] * 40, same, settings_of(BINARY)).metrics
    assert "R2" not in evaluate(["5"] * 40, numbers(np.full(40, 4.0)), settings_of(REGRESSION)).metrics
    huge = evaluate(["1e300", "-1e300"] * 20, numbers(np.zeros(40)), settings_of(REGRESSION)).metrics
    assert set(huge) == set()


def test_answers_of_another_kind_or_number_are_bugs() -> None:
    with pytest.raises(ValueError, match="not those of Regression"):
        evaluate(["1"], answered(("1", "2"), np.array([[1.0, 0.0]]), np.zeros(1, np.int64)), settings_of(REGRESSION))
    with pytest.raises(ValueError, match="1 answers to 2 rows"):
        evaluate(["1", "2"], numbers(np.ones(1)), settings_of(REGRESSION))
