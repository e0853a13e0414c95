"""What `evaluation.json` holds is right, bounded, and fit for JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics as sk

from tenantml.domain.judging.evaluation_summary import Summary
from tenantml.domain.predictions.answers import OUTPUT_KEYS, parse
from tenantml_analysis.evaluation import Evaluation, EvaluationSettings, LiveAnswers, evaluate
from tests.unit.analysis.evaluation.samples import answered, classifier, numbers, probabilities_of, truths

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
CLASSES = ("no", "yes")


def settings_of(problem_type: str, **more: Any) -> EvaluationSettings:
    return EvaluationSettings(problem_type, "Accuracy", "s", **{"resamples_max": 20, **more})


def binary(rows: int = 2000, **more: Any) -> tuple[Evaluation, Any, Any, Any]:
    texts, places = truths(1, rows, CLASSES, (0.7, 0.3))
    answers = classifier(2, places, CLASSES, 1)
    return (
        evaluate(texts, answers, settings_of(BINARY, **more)),
        places,
        answers.labels,
        probabilities_of(answers)[:, 1],
    )


def test_the_curves_are_those_of_scikit_learn() -> None:
    evaluation, truth, _, scores = binary()  # scores of two digits: fewer points than the bound
    assert evaluation.roc is not None
    assert evaluation.precision_recall is not None
    false_rates, true_rates, thresholds = sk.roc_curve(truth, scores, drop_intermediate=False)
    assert evaluation.roc.x == pytest.approx(false_rates, abs=1e-5)
    assert evaluation.roc.y == pytest.approx(true_rates, abs=1e-5)
    assert evaluation.roc.thresholds[1:] == pytest.approx(thresholds[1:])
    precision, recall, _ = sk.precision_recall_curve(truth, scores)
    assert evaluation.precision_recall.x == pytest.approx(recall[-2::-1], abs=1e-5)
    assert evaluation.precision_recall.y == pytest.approx(precision[-2::-1], abs=1e-5)


def test_a_curve_of_many_points_is_bounded_and_keeps_its_area() -> None:
    texts, places = truths(1, 5000, CLASSES)
    scores = np.clip(np.random.default_rng(1).normal(places * 0.3 + 0.35, 0.2), 0.0001, 0.9999)
    answers = answered(CLASSES, np.column_stack([1 - scores, scores]), (scores > 0.5).astype(np.int64))
    evaluation = evaluate(texts, answers, settings_of(BINARY))
    assert evaluation.roc is not None
    assert evaluation.precision_recall is not None
    assert len(evaluation.roc.x) == 201
    assert len(evaluation.precision_recall.x) == 200
    assert sk.auc(evaluation.roc.x, evaluation.roc.y) == pytest.approx(sk.roc_auc_score(places, scores), abs=0.002)


def test_the_confusion_matrix_and_each_class_are_those_of_scikit_learn() -> None:
    classes = [f"c{number}" for number in range(5)]
    texts, places = truths(1, 500, classes, (0.4, 0.3, 0.15, 0.1, 0.05))
    answers = classifier(2, places, classes, 1)
    evaluation = evaluate(texts, answers, settings_of(MULTICLASS))
    assert evaluation.confusion is not None
    assert evaluation.per_class is not None
    order = [classes.index(label) for label in evaluation.confusion.labels]
    assert evaluation.confusion.counts == sk.confusion_matrix(places, answers.labels, labels=order).tolist()
    found = sk.precision_recall_fscore_support(places, answers.labels, labels=order, zero_division=0)
    for report, expected in zip(evaluation.per_class, zip(*found, strict=True), strict=True):
        assert (report.precision, report.recall, report.f1, report.rows) == pytest.approx(expected, rel=1e-5)


def test_calibration_is_that_of_scikit_learn() -> None:
    evaluation, truth, _, scores = binary()
    found = evaluation.calibration
    assert found is not None
    assert found.brier == pytest.approx(sk.brier_score_loss(truth, scores), rel=1e-5)
    assert sum(part.rows for part in found.bins) == 2000
    assert found.expected_error == pytest.approx(
        sum(part.rows * abs(part.share - part.mean_probability) for part in found.bins) / 2000, abs=1e-5
    )
    shares, means = sklearn.calibration.calibration_curve(truth, scores, n_bins=10, strategy="quantile")
    assert [part.mean_probability for part in found.bins] == pytest.approx(means, rel=1e-5)
    assert [part.share for part in found.bins] == pytest.approx(shares, rel=1e-5)


def test_calibration_of_many_classes_is_that_of_the_predicted_label() -> None:
    classes = ("a", "b", "c")
    texts, places = truths(1, 600, classes)
    answers = classifier(2, places, classes, 1)
    found = evaluate(texts, answers, settings_of(MULTICLASS)).calibration
    assert found is not None
    scores = probabilities_of(answers)
    assert found.what == "predicted label"
    assert found.brier == pytest.approx(((scores - np.eye(3)[places]) ** 2).sum(axis=1).mean(), rel=1e-5)
    assert sum(part.rows * part.share for part in found.bins) == pytest.approx(
        (places == answers.labels).sum(), abs=0.1
    )


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e60, 1e150, 1e308])
def test_numbers_of_any_size_are_reported_in_json(size: float) -> None:
    draw = np.random.default_rng(1)
    truth, said = draw.normal(size=300) * (size / 10), draw.normal(size=300) * (size / 10)
    texts = [repr(value) for value in truth.tolist()]
    found = evaluate(texts, numbers(said), settings_of(REGRESSION), LiveAnswers("v1", numbers(-said)))
    json.dumps(found.as_document(), allow_nan=False)
    json.dumps(found.summary().as_document(), allow_nan=False)
    assert (found.residuals is None) == (size > 1e121)


def test_the_cost_of_a_threshold_is_that_of_its_errors() -> None:
    evaluation, truth, _, scores = binary(cost_false_positive=1, cost_false_negative=5)
    assert evaluation.thresholds is not None
    costs = {}
    for row in evaluation.thresholds.table:
        matrix = sk.confusion_matrix(truth, scores >= row.threshold).ravel().tolist()
        assert [row.true_negatives, row.false_positives, row.false_negatives, row.true_positives] == matrix
        assert row.cost == row.false_positives + 5 * row.false_negatives
        costs[row.threshold] = row.cost
    assert len(costs) == 99
    assert costs[evaluation.thresholds.cheapest] == min(costs.values())
    assert evaluation.thresholds.cheapest < 0.4


def test_residuals_are_what_was_true_minus_what_was_predicted() -> None:
    truth = np.arange(1000.0)
    error = np.random.default_rng(1).normal(size=1000)
    found = evaluate([str(value) for value in truth], numbers(truth - error), settings_of(REGRESSION)).residuals
    assert found is not None
    assert found.quantiles["50"] == pytest.approx(np.median(error), rel=1e-4)
    assert found.absolute_quantiles["95"] == pytest.approx(np.percentile(np.abs(error), 95), rel=1e-4)
    assert [part.rows for part in found.by_prediction] == [100] * 10
    assert found.by_prediction[0].mean_truth < found.by_prediction[-1].mean_truth


@pytest.mark.parametrize("count", [2, 300])
def test_a_report_is_bounded_whatever_the_labels(count: int) -> None:
    classes = [f"{number:04}" + "\N{GRINNING FACE}" * 400 for number in range(count)]
    texts, places = truths(1, 600, classes)
    probabilities = np.full((600, count), 1 / count)
    probabilities[:, 0] = np.linspace(0, 1, 600)
    answers = answered(classes, probabilities, places)
    problem_type = BINARY if count == 2 else MULTICLASS
    evaluation = evaluate(texts, answers, settings_of(problem_type, resamples_max=2), LiveAnswers("v1", answers))
    text = json.dumps(evaluation.as_document(), allow_nan=False)
    assert len(text) < 300_000
    summary = json.dumps(evaluation.summary(looks=3).as_document(), allow_nan=False)
    assert len(summary) < 4_000
    assert "\\u" not in summary
    if count > 15:
        assert evaluation.confusion is not None
        assert evaluation.confusion.others
        assert np.shape(evaluation.confusion.counts) == (16, 16)
        assert sum(map(sum, evaluation.confusion.counts)) == 600


@pytest.mark.parametrize("compared", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 2, 29, 300])
@pytest.mark.parametrize("problem_type", [BINARY, MULTICLASS, REGRESSION])
def test_any_number_of_rows_makes_a_report_that_json_can_hold(problem_type: str, rows: int, compared: bool) -> None:
    classes = CLASSES if problem_type == BINARY else ("a", "b", "c")
    texts, places = truths(1, rows, classes)
    answers = classifier(2, places, classes, 1)
    if problem_type == REGRESSION:
        texts, answers = [str(place) for place in places], numbers(places + 0.5)
    live = LiveAnswers("v1", answers) if compared else None
    evaluation = evaluate(texts, answers, settings_of(problem_type), live)
    document = json.loads(json.dumps(evaluation.as_document(), allow_nan=False))
    assert (document["format"], document["rows"]) == (1, rows)
    summary = evaluation.summary()
    assert Summary.from_document(json.loads(json.dumps(summary.as_document(), allow_nan=False))) == summary
    assert bool(summary.live or summary.not_compared) == compared


def test_answers_are_judged_as_the_predict_path_reads_them() -> None:
    # `probability` is the tuned model's of the positive class here: it must not count.
    lines = ["no,0.2,\"[0.8, 0.2]\",\"['no', 'yes']\"", "yes,0.7,\"[0.3, 0.7]\",\"['no', 'yes']\""]
    answers = parse("\n".join(lines).encode(), OUTPUT_KEYS, 2, CLASSES)
    found = evaluate(["no", "yes"], answers, settings_of(BINARY))
    assert found.metrics["LogLoss"].value == pytest.approx(-(math.log(0.8) + math.log(0.7)) / 2, rel=1e-5)
