"""The two forms in which Autopilot describes a job: as captured from real jobs, which is the default, and as the API
reference has it.

`TENANTML_LOCAL_AUTOPILOT_FORM` is `captured` or `documented`. Captured are: the objective metric under the algorithm's
own name (`validation:f1`, of a linear learner `validation:binary_f_beta`), without `Type` and `StandardMetricName`,
which are optional in the service model; no `ResolvedAttributes`; candidates of ENSEMBLING such as
`WeightedEnsemble-L3-FULL-t1`.
"""

from __future__ import annotations

import os
import re
from typing import Any

Document = dict[str, Any]

_LINEAR = "LinearModel"
# SageMaker developer guide, "Tune a linear learner model"; every other metric is named as XGBoost does.
_LINEAR_METRICS = {
    "AUC": "roc_auc_score",
    "Accuracy": "multiclass_accuracy",
    "F1": "binary_f_beta",
    "F1macro": "macro_f_beta",
    "MAE": "absolute_loss",
    "PrecisionMacro": "macro_precision",
    "RecallMacro": "macro_recall",
}
_ENSEMBLE = "WeightedEnsemble"


def is_captured() -> bool:
    """Whether jobs are described as real ones were seen to be."""
    return os.environ.get("TENANTML_LOCAL_AUTOPILOT_FORM", "captured") == "captured"


def candidate_name(model: str, *, ensembling: bool) -> str:
    """The candidate's name of a model that the trainer made."""
    if not (is_captured() and ensembling):
        return model
    return f"{model}-L{3 if model == _ENSEMBLE else 1}-FULL-t1"


def described(candidate: Document) -> Document:
    """A candidate as the API shows it."""
    if not is_captured():
        return candidate
    metric = candidate["FinalAutoMLJobObjectiveMetric"]
    name = _own_name(metric["MetricName"], linear=candidate["CandidateName"].startswith(_LINEAR))
    return {**candidate, "FinalAutoMLJobObjectiveMetric": {"MetricName": name, "Value": metric["Value"]}}


def resolved(attributes: Document) -> Document | None:
    """ResolvedAttributes, or None where there are none."""
    return None if is_captured() else attributes


def _own_name(metric: str, *, linear: bool) -> str:
    if linear and metric in _LINEAR_METRICS:
        return f"validation:{_LINEAR_METRICS[metric]}"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=1)(?=macro)", "_", metric)
    return f"validation:{words.lower()}"
