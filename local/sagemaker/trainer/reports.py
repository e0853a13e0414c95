"""The reports of a job, in the forms that Autopilot writes: explainability and model insights of the best candidate,
and the notebook about the data.
"""

import html
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from autogluon.core.metrics import get_metric
from autogluon.core.utils.utils import compute_permutation_feature_importance
from sklearn import metrics as sk

from local.sagemaker.serving.artefact import Features, Floats
from local.sagemaker.trainer.candidates import Candidate
from local.sagemaker.trainer.dataset import Dataset
from local.sagemaker.trainer.metrics import Numbers, Objective
from local.sagemaker.trainer.portfolio import autogluon_problem

SHUFFLES = 3
ROWS = 500
# Past these many cells times classes the rows shrink, so that a wide table is explained in seconds too.
MOST_CELLS = ROWS * 40
DEVIATION_ROWS, DEVIATION_SAMPLES, DEVIATION_SHARE = 200, 5, 0.8

Scalar = Callable[[Numbers, Numbers], float]


def explain(best: Candidate, dataset: Dataset, features: Features, objective: Objective, seed: int) -> dict[str, Any]:
    """`analysis.json` as SageMaker Clarify writes it (SageMaker developer guide, "Analysis results"): one number per
    input column, under the one label that explanations of a whole model have.

    The numbers are not Clarify's: not mean absolute SHAP values, but how much worse the objective gets when the column
    is shuffled, and 0 where it gets better.
    """
    judged = dataset.validation.known
    scorer = get_metric(objective.autogluon, autogluon_problem(len(dataset.classes)))
    rows = max(50, min(ROWS, MOST_CELLS // (len(dataset.columns) * max(1, len(dataset.classes)))))

    def predict(raw: pd.DataFrame) -> Floats:
        scores = best.algorithm.scores(features.transform(raw))
        if not dataset.classes:
            return scores
        if scorer.needs_pred:
            return np.asarray(scores.argmax(axis=1), dtype=np.float64)
        return np.asarray(scores[:, 1]) if len(dataset.classes) == 2 else scores

    importance = compute_permutation_feature_importance(
        X=judged.features,
        y=pd.Series(judged.target, index=judged.features.index),
        predict_func=predict,
        eval_metric=scorer,
        subsample_size=rows,
        num_shuffle_sets=SHUFFLES,
        random_state=seed,
        silent=True,
    )
    values = {
        dataset.columns[int(place)]: max(0.0, float(row.importance))
        for place, row in importance.sort_values("importance", ascending=False, kind="stable").iterrows()
    }
    expected = float(predict(judged.features.head(rows)).mean())
    return {
        "version": "1.0",
        "explanations": {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": expected}}},
    }


def explanation_page(analysis: dict[str, Any]) -> str:
    """`report.html`: the ten columns that count most."""
    values = analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{value:.6g}</td></tr>" for name, value in list(values.items())[:10]
    )
    return f"<!doctype html><title>Analysis Report</title><h1>Feature importance</h1><table>{rows}</table>\n"


def insights(best: Candidate, dataset: Dataset, seed: int) -> dict[str, Any]:
    """`statistics.json` as Model Monitor writes a model's quality (SageMaker developer guide, "Model quality metrics"):
    how good the best candidate is on the validation rows.
    """
    truth, scores = dataset.validation.target, best.scores
    about = {"version": 0.0, "dataset": {"item_count": len(truth)}}
    if not dataset.classes:
        scalars = {
            "mae": sk.mean_absolute_error,
            "mse": sk.mean_squared_error,
            "rmse": sk.root_mean_squared_error,
            "r2": sk.r2_score,
        }
        return about | {"regression_metrics": _measured(scalars, truth, scores, seed)}
    predicted = scores.argmax(axis=1).astype(np.float64)
    counts = {"confusion_matrix": _confusion(dataset.classes, truth, predicted)}
    accuracy: dict[str, Scalar] = {"accuracy": sk.accuracy_score}
    if len(dataset.classes) > 2:
        weighted = {
            f"weighted_{name}": _with(metric, average="weighted", zero_division=0)
            for name, metric in {"recall": sk.recall_score, "precision": sk.precision_score, "f1": sk.f1_score}.items()
        }
        found = _measured(accuracy | weighted, truth, predicted, seed)
        return about | {"multiclass_classification_metrics": counts | found}
    positive, said = (truth == 1).astype(np.float64), (predicted == 1).astype(np.float64)
    binary: dict[str, Scalar] = {
        "recall": _with(sk.recall_score, zero_division=0),
        "precision": _with(sk.precision_score, zero_division=0),
        "f1": _with(sk.f1_score, zero_division=0),
    }
    found = _measured(accuracy | binary, positive, said, seed)
    if 0 < positive.sum() < len(positive):
        false_positive, true_positive, _ = sk.roc_curve(positive, scores[:, 1])
        precisions, recalls, _ = sk.precision_recall_curve(positive, scores[:, 1], drop_intermediate=True)
        found |= _measured({"auc": sk.roc_auc_score}, positive, scores[:, 1], seed) | {
            "receiver_operating_characteristic_curve": {
                "false_positive_rates": false_positive.tolist(),
                "true_positive_rates": true_positive.tolist(),
            },
            "precision_recall_curve": {"precisions": precisions.tolist(), "recalls": recalls.tolist()},
        }
    return about | {"binary_classification_metrics": counts | found}


def notebook(dataset: Dataset) -> dict[str, Any]:
    """The data exploration notebook: the columns, their kinds and how many cells of the training rows are empty."""
    rows = dataset.train.features
    table = "\n".join(
        f"| {json.dumps(name, ensure_ascii=False)} | {kind} | {int((rows.iloc[:, place] == '').sum())} |"
        for place, (name, kind) in enumerate(zip(dataset.columns, dataset.kinds, strict=True))
    )
    text = f"# Data exploration\n\n{len(rows)} rows\n\n| column | kind | empty |\n|---|---|---|\n{table}\n"
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def _confusion(classes: tuple[str, ...], truth: Numbers, predicted: Numbers) -> dict[str, dict[str, int]]:
    """Counts by actual and then by predicted label; of a class that training never saw the label is `NaN`."""
    counts = sk.confusion_matrix(truth, predicted, labels=[*range(len(classes)), -1])
    named = {
        name: dict(zip(classes, map(int, row[:-1]), strict=True))
        for name, row in zip([*classes, "NaN"], counts, strict=True)
    }
    return named if counts[-1].sum() else {name: row for name, row in named.items() if name != "NaN"}


def _measured(scalars: dict[str, Scalar], truth: Numbers, said: Numbers, seed: int) -> dict[str, dict[str, Any]]:
    """Each metric with its deviation over five samples of 80 % of the rows; below 200 rows that is the text `NaN`."""
    samples = []
    if len(truth) >= DEVIATION_ROWS:
        random = np.random.default_rng(seed)
        size = int(len(truth) * DEVIATION_SHARE)
        samples = [random.choice(len(truth), size, replace=False) for _ in range(DEVIATION_SAMPLES)]
    return {
        name: {
            "value": float(metric(truth, said)),
            "standard_deviation": float(np.std([metric(truth[rows], said[rows]) for rows in samples]))
            if samples
            else "NaN",
        }
        for name, metric in scalars.items()
    }


def _with(metric: Callable[..., float], **options: Any) -> Scalar:
    return lambda truth, said: float(metric(truth, said, **options))
