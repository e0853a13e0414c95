"""What is known of versions, as the report takes it: made by the evaluation itself, of models of a known quality."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenantml.domain.api import views
from tenantml.domain.judging import gate
from tenantml.domain.judging.baking import Served
from tenantml.domain.pricing import costs
from tenantml.domain.training.explanation import NO_REPORT, importance_of, nothing
from tenantml_analysis.evaluation import Evaluation, EvaluationSettings, LiveAnswers, evaluate
from tests.unit.analysis.evaluation.samples import classifier, numbers, truths

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
CLASSES = (
    "Delivered late because of customs",
    "Delivered on time",
    "Lost in transit, the claim is open",
    "Returned: wrong size or colour",
    "Returned: defective on arrival",
    "Cancelled by the customer before it was dispatched",
    f"Address unknown {HOSTILE}",
    "日本に配送済み",
)
Facts = dict[str, Any]


def _classified(classes: Sequence[str], rows: int = 600, live: bool = False) -> Evaluation:
    texts, places = truths(1, rows, classes)
    kind = "BinaryClassification" if len(classes) == 2 else "MulticlassClassification"
    counts = dict.fromkeys(classes, rows)
    rival = LiveAnswers("v20261101-090000-0f3c", classifier(3, places, classes, 1), [False] * rows) if live else None
    settings = EvaluationSettings(kind, "Accuracy", "s", counts, resamples_max=20)
    return evaluate(texts, classifier(2, places, classes, 2.5), settings, rival)


def binary(rows: int = 600) -> Facts:
    """A live version of two classes that was compared with the one before."""
    return facts_of(_classified(("no", "yes"), rows, live=True))


def multiclass() -> Facts:
    """Eight classes with long names, one of them written to be run."""
    return facts_of(_classified(CLASSES), classes=CLASSES)


def regression(columns: int = 5) -> Facts:
    """Numbers, of as many columns."""
    draw = np.random.default_rng(2)
    truth = draw.gamma(4, 60_000, 400)
    settings = EvaluationSettings("Regression", "MSE", "s", resamples_max=20)
    found = evaluate([repr(float(value)) for value in truth], numbers(truth + draw.normal(0, 20_000, 400)), settings)
    return facts_of(found, columns=columns)


def unjudged() -> Facts:
    """A version whose deployment failed, whose training's artefacts are deleted."""
    found = facts_of(None)
    found["version"] |= {"error": {"code": "DeploymentFailed", "message": "the endpoint did not come up"}}
    return found | dict.fromkeys(
        ("profile", "candidates", "importance", "settings", "training", "cost", "endpoint_usd_per_hour")
    )


def facts_of(evaluation: Evaluation | None, classes: Sequence[str] = ("no", "yes"), columns: int = 20) -> Facts:
    """Everything around an evaluation."""
    names = [f"Column {HOSTILE}", *(f"column {number}" for number in range(1, columns))]
    shap = {name: 1 / (place + 1) for place, name in enumerate(names)}
    candidates = [
        {
            "name": f"{model}-BAG-L1-FULL-t{place}",
            "status": "Completed",
            "objective": {"name": "Accuracy", "value": 0.9 - place / 100},
            "metrics": [{"name": "AUC", "value": 0.95 - place / 100, "set": "Validation"}],
            "containers": 1,
        }
        for place, model in enumerate(("WeightedEnsemble", "LightGBM", "CatBoost"))
    ]
    row: Facts = {
        "version": "v20261122-170301-9f3c",
        "model": "churn",
        "execution": "acme-churn-55c304f9941bab27",
        "status": "live",
        "candidate": candidates[0]["name"],
        "problem_type": evaluation.problem_type if evaluation else "BinaryClassification",
        "plan": {"instance_type": "ml.m5.2xlarge", "instance_count": 1, "reason": "the smallest that is large enough"},
    }
    if evaluation is not None:
        summary = evaluation.summary()
        verdict = gate.judge(summary, gate.GateSettings()).as_document()
        row |= {"evaluation": summary.as_document(), "verdict": verdict, "promoted_at": "2026-11-22T17:40:11Z"}
    trained_by = {
        "rows": {"train": 2400, "holdout": 600},
        "advice": [{"rule": "leak", "column": names[0], "message": "determines the target in all 1,000 rows"}],
    }
    live = row["version"] if evaluation is not None else None
    document = {
        "tenant": "acme",
        "made_at": "2026-11-28T23:01:00Z",
        "version": views.version_details(row, live, trained_by, Served(1204, 2, 49_000)),
        "settings": {"target": "Churn?", "unseen_category": "advise", "entity_column": None},
        "training": {"mode": "ENSEMBLING", "seconds": 1874},
        "cost": costs.shown(costs.TrainingCost(5400, 3_802_500, 0).as_document()),
        "endpoint_usd_per_hour": "0.461000",
        "upload": {"key": "acme/churn/churn.csv", "size_bytes": 412_345, "uploaded_at": "2026-11-22T17:03:01Z"},
        "evaluation": None if evaluation is None else evaluation.as_document(),
        "profile": {
            "rows": 3012,
            "target": {
                "column": "Churn?",
                "problem_type_from": "data",
                "classes": [{"value": label, "rows": 300} for label in classes],
            },
            "columns": [
                {"name": name, "type": "number", "nulls": 3, "distinct": 40, "distinct_capped": False}
                for name in [*names, "Churn?"]
            ],
            "ignore_columns": [],
        },
        "candidates": candidates,
        "importance": importance_of({"explanations": {"kernel_shap": {"label0": {"global_shap_values": shap}}}})
        if evaluation is not None
        else nothing(NO_REPORT),
    }
    read: Facts = json.loads(json.dumps(document))
    return read
