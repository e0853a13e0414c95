"""Autopilot's metrics against scikit-learn on the labels themselves, and against arithmetic."""

import numpy as np
import pytest
from sklearn import metrics as sk

from local.sagemaker.trainer.job import JobFailed, ProblemType
from local.sagemaker.trainer.metrics import OBJECTIVES, choose_objective, measure

RANDOM = np.random.default_rng(0)


def probabilities(rows: int, classes: int) -> np.ndarray:
    raw = RANDOM.random((rows, classes))
    return raw / raw.sum(axis=1, keepdims=True)


def test_binary_metrics_mean_the_second_class() -> None:
    names = np.array(["no", "yes"])
    truth, scores = RANDOM.integers(0, 2, 200), probabilities(200, 2)
    actual, said = names[truth], names[scores.argmax(axis=1)]
    assert measure("BinaryClassification", truth.astype(float), scores) == pytest.approx(
        {
            "Accuracy": sk.accuracy_score(actual, said),
            "BalancedAccuracy": sk.balanced_accuracy_score(actual, said),
            "F1": sk.f1_score(actual, said, pos_label="yes"),
            "Precision": sk.precision_score(actual, said, pos_label="yes"),
            "Recall": sk.recall_score(actual, said, pos_label="yes"),
            "AUC": sk.roc_auc_score(actual == "yes", scores[:, 1]),
            "LogLoss": sk.log_loss(actual, scores, labels=["no", "yes"]),
        }
    )


def test_multiclass_metrics_weigh_every_class_alike() -> None:
    names = np.array(["a", "b", "c"])
    truth, scores = RANDOM.integers(0, 3, 200), probabilities(200, 3)
    actual, said = names[truth], names[scores.argmax(axis=1)]
    assert measure("MulticlassClassification", truth.astype(float), scores) == pytest.approx(
        {
            "Accuracy": sk.accuracy_score(actual, said),
            "BalancedAccuracy": sk.balanced_accuracy_score(actual, said),
            "F1macro": sk.f1_score(actual, said, average="macro"),
            "PrecisionMacro": sk.precision_score(actual, said, average="macro"),
            "RecallMacro": sk.recall_score(actual, said, average="macro"),
            "LogLoss": sk.log_loss(actual, scores, labels=["a", "b", "c"]),
        }
    )


def test_regression_metrics_by_hand() -> None:
    truth, values = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0])
    assert measure("Regression", truth, values) == pytest.approx(
        {"MSE": 5 / 3, "RMSE": (5 / 3) ** 0.5, "MAE": 1.0, "R2": 1 - 5 / 14}
    )


def test_a_class_that_training_never_saw_is_always_a_mistake() -> None:
    truth, scores = np.array([0.0, 1.0, 2.0, -1.0]), np.vstack([np.eye(3), [1, 0, 0]])
    assert measure("MulticlassClassification", truth, scores)["Accuracy"] == 0.75


def test_what_the_rows_do_not_define_is_left_out() -> None:
    found = measure("BinaryClassification", np.ones(3), np.tile([0.2, 0.8], (3, 1)))
    assert "AUC" not in found
    assert found["F1"] == 1


@pytest.mark.parametrize(
    ("problem_type", "name"),
    [("BinaryClassification", "F1"), ("MulticlassClassification", "Accuracy"), ("Regression", "MSE")],
)
def test_autopilots_default_objective(problem_type: ProblemType, name: str) -> None:
    assert choose_objective(problem_type, None).name == name


def test_errors_are_minimised_and_everything_else_maximised() -> None:
    every = {objective for objectives in OBJECTIVES.values() for objective in objectives}
    assert {objective.name for objective in every if objective.better(1, than=2)} == {"MSE", "MAE", "RMSE"}


def test_every_objective_is_measured() -> None:
    truth = np.array([0.0, 1.0, 1.0, 0.0])
    for problem_type, objectives in OBJECTIVES.items():
        scores = truth if problem_type == "Regression" else probabilities(4, 2)
        assert {objective.name for objective in objectives} <= set(measure(problem_type, truth, scores))


def test_a_metric_of_another_problem_type_is_refused() -> None:
    with pytest.raises(JobFailed, match="AUC is not one of Accuracy"):
        choose_objective("MulticlassClassification", "AUC")
