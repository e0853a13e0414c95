"""The fixed list of models that every job trains, in this order.

No time limit and one thread each, so that the result depends on the data and the seed, not on the machine's load.
Rounds and leaves are capped: more of them cost minutes on two cores and won nothing on the sets this was measured on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from autogluon.core.metrics import get_metric
from autogluon.core.models.greedy_ensemble.ensemble_selection import EnsembleSelection
from autogluon.tabular.models import LGBModel, LinearModel, RFModel, XGBoostModel, XTModel
from numpy.typing import NDArray

from local.sagemaker.trainer.metrics import Objective

BOOSTING: dict[str, Any] = {"num_boost_round": 250, "learning_rate": 0.1, "ag.early_stop": 20}
FOREST: dict[str, Any] = {"n_estimators": 60, "max_leaf_nodes": 2000, "min_samples_leaf": 3}


@dataclass(frozen=True)
class Recipe:
    """One model to train."""

    name: str
    model: type[Any]
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    # Forests take 47 to 70 ms a row beside the 8 to 10 ms of an ensemble without them.
    in_ensemble: bool = True


PORTFOLIO: tuple[Recipe, ...] = (
    Recipe("LightGBM", LGBModel, BOOSTING),
    Recipe("LightGBMShallow", LGBModel, BOOSTING | {"num_leaves": 8, "feature_fraction": 0.6}),
    Recipe("XGBoost", XGBoostModel, {"n_estimators": 250, "learning_rate": 0.1, "ag.early_stop": 20}),
    Recipe("LinearModel", LinearModel, {"max_iter": 300}),
    Recipe("LightGBMExtraTrees", LGBModel, BOOSTING | {"extra_trees": True}),
    Recipe("RandomForest", RFModel, FOREST, in_ensemble=False),
    Recipe("ExtraTrees", XTModel, FOREST, in_ensemble=False),
    Recipe(
        "LightGBMDeep",
        LGBModel,
        BOOSTING | {"learning_rate": 0.05, "num_leaves": 64, "feature_fraction": 0.9, "min_data_in_leaf": 5},
    ),
)
ENSEMBLE_NAME = "WeightedEnsemble"


@dataclass(frozen=True)
class Matrix:
    """Engineered features and the encoded target."""

    features: pd.DataFrame
    target: NDArray[np.float64]


def autogluon_problem(class_count: int) -> str:
    """AutoGluon's name of the problem; two classes are binary whatever the job calls them."""
    return {0: "regression", 2: "binary"}.get(class_count, "multiclass")


def train(
    recipe: Recipe, objective: Objective, class_count: int, seed: int, fit: Matrix, judge: Matrix, meta: Any
) -> Any:
    """Fit one model, stopping early on `judge`; `meta` is the feature generator's FeatureMetadata."""
    model = recipe.model(
        path="unsaved",  # nothing is written; without a path AutoGluon makes a folder
        name=recipe.name,
        problem_type=autogluon_problem(class_count),
        eval_metric=objective.autogluon,
        hyperparameters=recipe.hyperparameters
        | {
            "ag_args_fit": {
                "stopping_metric": "log_loss" if class_count else "root_mean_squared_error",
                "max_memory_usage_ratio": 1e6,  # what is trained must not depend on the memory that happens to be free
            }
        },
    )
    kind = int if class_count else float
    model.fit(
        X=fit.features,
        y=pd.Series(fit.target, index=fit.features.index, dtype=kind),
        X_val=judge.features,
        y_val=pd.Series(judge.target, index=judge.features.index, dtype=kind),
        feature_metadata=meta,
        num_cpus=1,
        num_gpus=0,
        verbosity=0,
        random_seed=seed,
    )
    return model


def weigh(models: Sequence[Any], objective: Objective, class_count: int, seed: int, judge: Matrix) -> list[float]:
    """How much each model counts in the weighted ensemble that does best on `judge`; the weights sum to 1."""
    problem = autogluon_problem(class_count)
    selection = EnsembleSelection(
        ensemble_size=25,
        problem_type=problem,
        metric=get_metric(objective.autogluon, problem),
        tie_breaker="second_metric",
        random_state=np.random.RandomState(seed),
    )
    selection.fit(
        [np.asarray(model.predict_proba(judge.features)) for model in models],
        judge.target.astype(int if class_count else float),
    )
    return [float(weight) for weight in selection.weights_]
