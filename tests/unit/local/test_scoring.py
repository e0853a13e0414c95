"""Scoring: numbers that can be checked by hand."""

from __future__ import annotations

import pytest

from local.scoring import Confusion, Residuals, positive_class, score


def _says(label: str, yes: float) -> dict[str, object]:
    return {"predicted_label": label, "probability": max(yes, 1 - yes), "probabilities": {"yes": yes, "no": 1 - yes}}


def test_binary_predictions_are_scored_for_the_positive_class() -> None:
    truth = ["yes", "yes", "no", "no"]
    result = score(
        "BinaryClassification", truth, [_says("yes", 0.9), _says("no", 0.4), _says("no", 0.1), _says("no", 0.3)]
    )
    assert result.metrics == pytest.approx({"accuracy": 0.75, "f1": 2 / 3, "auc": 1.0})
    assert result.errors == Confusion(("no", "yes"), ((2, 0), (1, 1)))


def test_multiclass_predictions_are_scored_over_all_classes() -> None:
    predictions = [{"predicted_label": label} for label in ("2", "10", "10", "3")]
    result = score("MulticlassClassification", ["2", "10", "3", "3"], predictions)
    assert result.metrics == pytest.approx({"accuracy": 0.75, "f1_macro": (1 + 2 / 3 + 2 / 3) / 3})
    assert result.errors == Confusion(("2", "3", "10"), ((1, 0, 0), (0, 1, 1), (0, 0, 1)))


def test_regression_is_scored_by_its_residuals() -> None:
    result = score("Regression", ["1", "2", "3", "6"], [{"predicted_value": value} for value in (1, 2, 3, 4)])
    assert result.metrics == pytest.approx({"rmse": 1.0, "r2": 1 - 4 / 14})
    assert result.errors == Residuals(
        mean=0.5, median_absolute=0.0, ninetieth_percentile_absolute=2.0, largest_absolute=2.0
    )


@pytest.mark.parametrize(
    ("truth", "labels", "classes"),
    [
        (["1", "01", "0"], ["1.0", "1.0", "0.0"], ("0.0", "1.0")),
        (["TRUE", "true", "false"], ["True", "True", "False"], ("False", "True")),
        (["yes", "yes ", "no"], ["yes", "yes ", "no"], ("no", "yes", "yes ")),
    ],
)
def test_one_class_in_several_spellings_is_one(truth: list[str], labels: list[str], classes: tuple[str, ...]) -> None:
    result = score("MulticlassClassification", truth, [{"predicted_label": label} for label in labels])
    assert result.metrics["accuracy"] == 1
    assert isinstance(result.errors, Confusion)
    assert result.errors.classes == classes


def test_what_few_rows_do_not_define_is_left_out() -> None:
    assert set(score("BinaryClassification", ["no"], [_says("no", 0.1)]).metrics) == {"accuracy", "f1"}
    assert set(score("Regression", ["1"], [{"predicted_value": 2}]).metrics) == {"rmse"}


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (["True.", "False."], "True."),
        (["10", "9"], "10"),
        (["no", "yes"], "yes"),
        (["1", "0"], "1"),
        (["TRUE", "FALSE"], "TRUE"),
    ],
)
def test_the_positive_class_is_the_second_one(classes: list[str], positive: str) -> None:
    assert positive_class(classes) == positive


def test_a_missing_prediction_is_not_scored_over() -> None:
    with pytest.raises(ValueError, match="1 predictions do not answer 2 rows"):
        score("Regression", ["1", "2"], [{"predicted_value": 1}])


def test_an_unknown_problem_type_is_refused() -> None:
    with pytest.raises(ValueError, match="Forecasting"):
        score("Forecasting", ["1"], [{"predicted_value": 1}])
