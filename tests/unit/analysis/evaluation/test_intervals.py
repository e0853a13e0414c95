"""Intervals cover the truth as often as they say, and differences are those of the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tenantml_analysis.evaluation import EvaluationSettings, LiveAnswers, evaluate
from tenantml_analysis.evaluation.resampling import draws, resamples_of
from tests.unit.analysis.evaluation.samples import answered, classifier, numbers, truths

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
CLASSES = ("no", "yes")


def quick(problem_type: str, objective: str, seed: str = "s", resamples_max: int = 400) -> EvaluationSettings:
    return EvaluationSettings(problem_type, objective, seed, resamples_max=resamples_max)


def test_nineteen_of_twenty_intervals_hold_the_true_accuracy_and_gain() -> None:
    accuracy, live_accuracy, samples, rows = 0.8, 0.75, 100, 300
    draw = np.random.default_rng(5)
    covered = np.zeros(3, np.int64)
    for number in range(samples):
        texts, places = truths(number, rows, CLASSES)
        luck = draw.random(rows)  # the models err on the same rows, as models do
        given = [
            answered(CLASSES, np.tile([0.5, 0.5], (rows, 1)), np.where(luck < share, places, 1 - places))
            for share in (accuracy, live_accuracy)
        ]
        settings = quick(BINARY, "Accuracy", str(number), 100)
        evaluation = evaluate(texts, given[0], settings, LiveAnswers("v1", given[1]))
        assert evaluation.live is not None
        estimate, gain = evaluation.metrics["Accuracy"], evaluation.live.gains["Accuracy"]
        covered += [
            estimate.low <= accuracy <= estimate.high,
            gain.low <= accuracy - live_accuracy <= gain.high,
            gain.lower_bound <= accuracy - live_accuracy,
        ]
    assert (covered / samples >= [0.88, 0.88, 0.88]).all(), covered / samples
    assert (covered / samples <= 0.99).all(), covered / samples


def test_errors_on_the_same_rows_cancel_out_of_the_difference() -> None:
    texts, places = truths(1, 1000, CLASSES)
    luck = np.random.default_rng(1).random(1000)
    one, other = (
        answered(CLASSES, np.tile([0.5, 0.5], (1000, 1)), np.where(luck < share, places, 1 - places))
        for share in (0.80, 0.79)
    )
    evaluation = evaluate(texts, one, quick(BINARY, "Accuracy"), LiveAnswers("v1", other))
    assert evaluation.live is not None
    gain, estimate = evaluation.live.gains["Accuracy"], evaluation.metrics["Accuracy"]
    assert gain.high - gain.low < 0.4 * (estimate.high - estimate.low)


@pytest.mark.parametrize("metric", ["Accuracy", "AUC", "F1", "LogLoss"])
def test_a_gain_is_positive_for_the_better_model_whichever_way_the_metric_points(metric: str) -> None:
    texts, places = truths(1, 800, CLASSES)
    better, worse = classifier(2, places, CLASSES, 3), classifier(3, places, CLASSES, 0.5)
    for first, second, sign in ((better, worse, 1), (worse, better, -1)):
        live = evaluate(texts, first, quick(BINARY, metric), LiveAnswers("v1", second)).live
        assert live is not None
        gain = live.gains[metric]
        assert sign * gain.value > 0
        assert gain.low <= gain.lower_bound <= gain.value <= gain.high
        assert gain.low * gain.high > 0


def test_a_smaller_error_is_a_gain() -> None:
    truth = np.arange(100.0)
    texts = [str(value) for value in truth]
    noise = np.random.default_rng(1).normal(size=100)
    live = evaluate(
        texts, numbers(truth + noise), quick(REGRESSION, "MSE"), LiveAnswers("v1", numbers(truth + 3 * noise))
    ).live
    assert live is not None
    assert {name: gain.low > 0 for name, gain in live.gains.items()} == dict.fromkeys(
        ("MAE", "MSE", "R2", "RMSE"), True
    )


def test_a_model_has_no_gain_over_itself() -> None:
    texts, places = truths(1, 300, CLASSES)
    answers = classifier(2, places, CLASSES, 1)
    live = evaluate(texts, answers, quick(BINARY, "F1"), LiveAnswers("v1", answers)).live
    assert live is not None
    assert {(gain.value, gain.low, gain.high, gain.lower_bound) for gain in live.gains.values()} == {(0, 0, 0, 0)}


def test_the_same_seed_gives_the_same_evaluation_and_another_one_other_intervals() -> None:
    texts, places = truths(1, 300, CLASSES)
    answers = classifier(2, places, CLASSES, 1)
    one, again, other = (evaluate(texts, answers, quick(BINARY, "F1", seed)) for seed in ("a", "a", "b"))
    assert one == again
    assert one.metrics["F1"].value == other.metrics["F1"].value
    assert one.metrics["F1"] != other.metrics["F1"]


def test_no_error_on_few_rows_is_no_proof_of_a_perfect_model() -> None:
    texts, places = truths(1, 100, CLASSES, (0.6, 0.4))
    rarer = int(np.bincount(places).min())
    perfect = answered(CLASSES, np.eye(2)[places], places)
    behind = {"Accuracy": 100, "F1": rarer, "AUC": rarer, "Recall": rarer, "Precision": rarer}
    for metric, rows in behind.items():
        estimate = evaluate(texts, perfect, quick(BINARY, metric)).metrics[metric]
        assert (estimate.value, estimate.high) == (1, 1)
        assert estimate.low == pytest.approx(1 - 3 / rows, abs=1e-6)


def test_one_rare_class_does_not_make_everything_about_a_perfect_model_unknown() -> None:
    classes, places = ("a", "b", "c"), np.repeat([0, 1, 2], [600, 399, 1])
    texts = [classes[place] for place in places]
    for said, value in ((places, 1), ((places + 1) % 3, 0)):
        answers = answered(classes, np.eye(3)[said], said)
        metrics = evaluate(texts, answers, quick(MULTICLASS, "Accuracy")).metrics
        widths = {name: estimate.high - estimate.low for name, estimate in metrics.items() if name != "LogLoss"}
        means = (3 / 600 + 3 / 399 + 1) / 3  # nothing is known of the class of one row, which is a third of a mean
        averaged = ("BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro")
        assert widths == {"Accuracy": pytest.approx(0.003)} | dict.fromkeys(averaged, pytest.approx(means, abs=1e-5))
        assert all(0 <= metrics[name].low <= metrics[name].value == value <= metrics[name].high <= 1 for name in widths)


def test_every_class_keeps_its_rows_in_every_draw() -> None:
    strata = np.array([0, 1, 2, 1, 0, 0, 2, 0])
    for weights in draws(strata, "seed", 50):
        assert [int(weights[strata == stratum].sum()) for stratum in range(3)] == [4, 2, 2]


def test_large_holdouts_get_fewer_resamples() -> None:
    assert [resamples_of(rows) for rows in (1, 20_000, 40_000, 10**6)] == [2000, 2000, 1000, 200]


def test_the_baseline_knows_the_training_set_and_no_feature() -> None:
    texts = ["a"] * 60 + ["b"] * 40
    places = np.repeat([0, 1], [60, 40])
    answers = classifier(1, places, ("a", "b"), 2)
    known = EvaluationSettings(BINARY, "Accuracy", "s", training_classes={"b": 900, "a": 100}, resamples_max=50)
    baseline, own = (evaluate(texts, answers, given).baseline for given in (known, quick(BINARY, "Accuracy")))
    assert baseline is not None
    assert own is not None
    assert (baseline.metrics["Accuracy"], own.metrics["Accuracy"]) == (0.4, 0.6)
    assert baseline.metrics["LogLoss"] == pytest.approx(-0.6 * np.log(0.1) - 0.4 * np.log(0.9), rel=1e-5)
    assert baseline.metrics["AUC"] == own.metrics["AUC"] == 0.5


def test_the_baseline_of_numbers_is_the_mean_and_for_absolute_errors_the_median() -> None:
    truth = np.array([0.0, 0.0, 0.0, 8.0])
    baseline = evaluate([str(value) for value in truth], numbers(truth), quick(REGRESSION, "MSE")).baseline
    assert baseline is not None
    assert baseline.metrics == {"MAE": 2, "MSE": 12, "R2": 0, "RMSE": pytest.approx(12**0.5, rel=1e-5)}


def test_a_live_version_that_knows_other_classes_is_compared_on_all_rows() -> None:
    texts, places = truths(1, 300, ("a", "b", "c"))
    answers = classifier(2, places, ("a", "b", "c"), 2)
    binary = classifier(3, places % 2, ("b", "a"), 2)
    live = evaluate(texts, answers, quick(MULTICLASS, "Accuracy"), LiveAnswers("v1", binary)).live
    assert live is not None
    assert live.metrics["Accuracy"] < 0.7


def test_a_live_version_of_another_kind_is_not_compared() -> None:
    texts, places = truths(1, 300, CLASSES)
    answers = classifier(2, places, CLASSES, 2)
    found = evaluate(texts, answers, quick(BINARY, "F1"), LiveAnswers("v1", numbers(places.astype(float))))
    assert found.live is None
    assert found.not_compared == "it answers numbers, the new one classes"


@pytest.mark.parametrize("problem_type", [BINARY, MULTICLASS, REGRESSION])
def test_rows_on_which_the_live_version_was_trained_are_left_out_of_the_comparison_and_of_nothing_else(
    problem_type: str,
) -> None:
    classes = {BINARY: CLASSES, MULTICLASS: ("a", "b", "c")}.get(problem_type, ("0", "5"))
    texts, places = truths(1, 600, classes)
    if problem_type == REGRESSION:
        answers, rival = (numbers(places + np.random.default_rng(seed).normal(size=600)) for seed in (2, 3))
    else:
        answers, rival = (classifier(seed, places, classes, 2) for seed in (2, 3))
    seen = [number % 3 == 0 for number in range(600)]
    unseen = [number for number in range(600) if number % 3]
    asked = quick(problem_type, "MSE" if problem_type == REGRESSION else "Accuracy")
    whole = evaluate(texts, answers, asked)
    found = evaluate(texts, answers, asked, LiveAnswers("v1", rival, seen))
    alone = evaluate([texts[row] for row in unseen], answers.of(unseen), asked, LiveAnswers("v1", rival.of(unseen)))
    assert found.live is not None
    assert alone.live is not None
    assert (found.live.rows, found.live.rows_seen, found.live.minority_rows) == (400, 200, alone.minority_rows)
    assert (found.live.metrics, found.live.gains) == (alone.live.metrics, alone.live.gains)
    assert replace(found, live=None) == whole
    summary = found.summary().live
    assert summary is not None
    assert (summary.rows, summary.rows_seen) == (400, 200)


def test_how_many_rows_neither_saw_is_said_when_it_is_all_none_or_unknown() -> None:
    texts, places = truths(1, 300, CLASSES)
    answers, asked = classifier(2, places, CLASSES, 2), quick(BINARY, "F1")
    for seen, rows_seen in (((), 0), ([False] * 300, 0), (None, None)):
        live = evaluate(texts, answers, asked, LiveAnswers("v1", answers, seen)).live
        assert live is not None
        assert (live.rows, live.rows_seen) == (300, rows_seen)
    found = evaluate(texts, answers, asked, LiveAnswers("v1", answers, [True] * 300))
    assert (found.live, found.not_compared) == (None, "it may have been trained on all of these rows")
    assert found.metrics
