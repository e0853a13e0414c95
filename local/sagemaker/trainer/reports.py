"""The explainability and the model-insights report of the best candidate."""

from typing import Any

import numpy as np
import pandas as pd
from autogluon.core.metrics import get_metric
from autogluon.core.utils.utils import compute_permutation_feature_importance
from sklearn.metrics import confusion_matrix

from local.sagemaker.serving.artefact import Features, Floats
from local.sagemaker.trainer.candidates import Candidate
from local.sagemaker.trainer.dataset import Dataset
from local.sagemaker.trainer.metrics import Objective
from local.sagemaker.trainer.portfolio import autogluon_problem

SHUFFLES = 3
ROWS = 500
# Past these many cells times classes the rows shrink, so that a wide table is explained in seconds too.
MOST_CELLS = ROWS * 40


def explain(best: Candidate, dataset: Dataset, features: Features, objective: Objective, seed: int) -> dict[str, Any]:
    """Permutation importance per input column: how much worse the objective gets when the column is shuffled."""
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
    return {
        "method": "permutation_importance",
        "candidate": best.name,
        "objective": objective.name,
        "shuffles": SHUFFLES,
        "rows": min(rows, len(judged.target)),
        "features": [
            {
                "name": dataset.columns[int(place)],
                "importance": float(row.importance),
                "standard_deviation": _finite(row.stddev),
            }
            for place, row in importance.iterrows()
        ],
    }


def insights(best: Candidate, dataset: Dataset, leaderboard: list[Candidate], objective: Objective) -> dict[str, Any]:
    """How good the best candidate is on the validation rows, and how the others did."""
    truth = dataset.validation.target
    report: dict[str, Any] = {
        "candidate": best.name,
        "problem_type": dataset.problem_type,
        "objective": objective.name,
        "rows": {"training": len(dataset.train.target), "validation": len(truth)},
        "metrics": best.metrics,
        "leaderboard": [{"name": each.name, "metrics": each.metrics} for each in leaderboard],
    }
    if dataset.classes:
        # -1, a class that training never saw, is the last row and never a column.
        numbers = [*range(len(dataset.classes)), -1]
        counts = confusion_matrix(truth, best.scores.argmax(axis=1), labels=numbers)
        report["confusion_matrix"] = {
            "labels": list(dataset.classes),
            "rows_are": "actual",
            "counts": counts[:-1, :-1].tolist(),
            "unseen_in_training": int(counts[-1].sum()),
        }
        return report
    residuals = truth - best.scores
    report["residuals"] = {
        f"p{percent}": float(np.percentile(residuals, percent)) for percent in (0, 5, 25, 50, 75, 95, 100)
    }
    return report


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
