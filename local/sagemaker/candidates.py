"""The candidates of a job, as ListCandidatesForAutoMLJob and DescribeAutoMLJob show them."""

from __future__ import annotations

from typing import Any

from local.sagemaker import candidate_steps
from local.sagemaker.store import Scope

LOWER_IS_BETTER = frozenset({"MSE", "RMSE", "MAE", "LogLoss"})
# Measured by the trainer, but only StandardMetricName's enum knows them.
_STANDARD_ONLY = frozenset({"LogLoss", "InferenceLatency"})

# Registries of Autopilot's images in us-east-1; the embedded cloud never pulls them.
_ENSEMBLING_IMAGE = "763104351884.dkr.ecr.{region}.amazonaws.com/autogluon-inference:1.4-cpu-py311"
_TRANSFORM_IMAGE = "683313688378.dkr.ecr.{region}.amazonaws.com/sagemaker-sklearn-automl:2.5-1-cpu-py3"
_ALGORITHM_IMAGE = "683313688378.dkr.ecr.{region}.amazonaws.com/sagemaker-xgboost:1.3-1-cpu-py3"


def document(
    event: dict[str, Any], name: str, model_uris: list[str], scope: Scope, job_name: str, finished_at: float
) -> dict[str, Any]:
    """A finished candidate, from the trainer's `candidate` event and the addresses of its uploaded artefacts.

    It is kept in the form of the API reference; `forms` makes the other of it.
    """
    started_at = finished_at - event["training_seconds"]
    objective = event["objective"]
    return {
        "CandidateName": name,
        "FinalAutoMLJobObjectiveMetric": {
            "Type": "Minimize" if objective["name"] in LOWER_IS_BETTER else "Maximize",
            "MetricName": objective["name"],
            "Value": objective["value"],
            "StandardMetricName": objective["name"],
        },
        "ObjectiveStatus": "Succeeded",
        "CandidateSteps": candidate_steps.of(name, job_name, scope, is_ensemble=len(event["containers"]) == 1),
        "CandidateStatus": "Completed",
        "InferenceContainers": _containers(event["containers"], model_uris, scope.region),
        "CreationTime": started_at,
        "EndTime": finished_at,
        "LastModifiedTime": finished_at,
        "CandidateProperties": {"CandidateMetrics": [_metric(*measured) for measured in event["metrics"].items()]},
    }


def better_first(candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The candidates from the best to the worst by their objective; ties keep their order."""

    def loss(candidate: dict[str, Any]) -> float:
        metric = candidate["FinalAutoMLJobObjectiveMetric"]
        value = float(metric["Value"])
        return value if metric["Type"] == "Minimize" else -value

    return sorted(candidates, key=loss)


def _containers(described: list[dict[str, Any]], model_uris: list[str], region: str) -> list[dict[str, Any]]:
    """One container in ENSEMBLING; transform, algorithm and (for a classification) inverse transform in HPO."""
    images = [_ENSEMBLING_IMAGE] if len(described) == 1 else [_TRANSFORM_IMAGE, _ALGORITHM_IMAGE, _TRANSFORM_IMAGE]
    return [
        {
            "Image": image.format(region=region),
            "ModelDataUrl": uri,
            "Environment": {
                **(
                    {"SAGEMAKER_INFERENCE_SUPPORTED": ",".join(container["supported"])}
                    if container["supported"]
                    else {}
                ),
                **(container.get("environment") or {}),
            },
        }
        for image, uri, container in zip(images, model_uris, described, strict=False)
    ]


def _metric(name: str, value: float) -> dict[str, Any]:
    metric_name = None if name in _STANDARD_ONLY else name
    return {"MetricName": metric_name, "StandardMetricName": name, "Value": value, "Set": "Validation"}
