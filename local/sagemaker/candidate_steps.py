"""The jobs behind Autopilot's candidates: of an ensemble one training, of HYPERPARAMETER_TUNING also the preparation
of the data, a processing job and a training whose model a transform job applies, which candidates share. So AWS's own
tests show a real job's (github.com/aws/sagemaker-python-sdk, sagemaker-core, the codec's unit test), under its name.

Nobody can create others here. What the trainer does not know of a job (its instance, its image's parameters, how the
time before the first candidate was divided) is that of a real one's shape, not a measurement.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

from local.sagemaker import store
from local.sagemaker.errors import invalid
from local.sagemaker.store import Job, Scope

Document = dict[str, Any]

PROCESSING, TRAINING, TRANSFORM = "processing-job", "training-job", "transform-job"
_TYPES = {
    PROCESSING: "AWS::SageMaker::ProcessingJob",
    TRAINING: "AWS::SageMaker::TrainingJob",
    TRANSFORM: "AWS::SageMaker::TransformJob",
}
_PREPARATION = ((PROCESSING, "db-1"), (TRAINING, "dpp0-1"), (TRANSFORM, "dpp0-csv-1"))
_DAY_SECONDS = 86_400  # StoppingCondition's default
_INSTANCE = {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1}


def of(candidate: str, job_name: str, scope: Scope, *, is_ensemble: bool) -> list[dict[str, str]]:
    """The steps of a candidate, the one that made its model last."""
    own = _step(TRAINING, f"{job_name}-{candidate}"[:63].rstrip("-"), scope)
    if is_ensemble:
        return [own]
    tail = hashlib.sha256(f"{scope.account}/{job_name}".encode()).hexdigest()
    return [*(_step(kind, f"{job_name}-{what}-{tail}"[:63], scope) for kind, what in _PREPARATION), own]


def _step(kind: str, name: str, scope: Scope) -> dict[str, str]:
    return {
        "CandidateStepType": _TYPES[kind],
        "CandidateStepArn": scope.arn(kind, name),
        "CandidateStepName": name,
    }


def describe_training(request: Document, scope: Scope) -> Document:
    """DescribeTrainingJob, of a candidate's step."""
    found = _find(TRAINING, request["TrainingJobName"], scope)
    if found is None:  # not ResourceNotFound: seen on AWS, github.com/aws/aws-sdk/issues/165
        raise invalid("Requested resource not found.")
    job, candidate, step = found
    # The last container that holds a model; in HPO the first transforms features and the third restores labels.
    containers = candidate["InferenceContainers"]
    is_own = step == candidate["CandidateSteps"][-1]
    made = containers[1] if is_own and len(containers) > 1 else containers[0]
    began, ended = _times(*found)
    seconds, metric = max(1, math.ceil(ended - began)), candidate["FinalAutoMLJobObjectiveMetric"]
    return {
        "TrainingJobName": step["CandidateStepName"],
        "TrainingJobArn": step["CandidateStepArn"],
        "AutoMLJobArn": job.arn,
        "ModelArtifacts": {"S3ModelArtifacts": made["ModelDataUrl"]},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingImage": made["Image"], "TrainingInputMode": "File"},
        "RoleArn": job.request["RoleArn"],
        "InputDataConfig": [_channel(channel) for channel in job.request["AutoMLJobInputDataConfig"]],
        "OutputDataConfig": job.request["OutputDataConfig"],
        "ResourceConfig": {**_INSTANCE, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY_SECONDS},
        "CreationTime": began,
        "TrainingStartTime": began,
        "TrainingEndTime": ended,
        "LastModifiedTime": ended,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
        "FinalMetricDataList": [
            {
                "MetricName": f"validation:{metric['MetricName'].lower()}",
                "Value": metric["Value"],
                "Timestamp": ended,
            }
        ]
        if is_own
        else [],
    }


def describe_processing(request: Document, scope: Scope) -> Document:
    """DescribeProcessingJob, of a candidate's step."""
    found = _find(PROCESSING, request["ProcessingJobName"], scope)
    if found is None:  # a ValidationException, by which botocore's waiter for such jobs gives up
        raise invalid(f"Could not find requested job with name: {request['ProcessingJobName']}")
    job, candidate, step = found
    began, ended = _times(*found)
    return {
        "ProcessingJobName": step["CandidateStepName"],
        "ProcessingJobArn": step["CandidateStepArn"],
        "AutoMLJobArn": job.arn,
        "ProcessingJobStatus": "Completed",
        "ProcessingResources": {"ClusterConfig": {**_INSTANCE, "VolumeSizeInGB": 50}},
        "AppSpecification": {"ImageUri": candidate["InferenceContainers"][0]["Image"]},
        "RoleArn": job.request["RoleArn"],
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY_SECONDS},
        "CreationTime": began,
        "ProcessingStartTime": began,
        "ProcessingEndTime": ended,
        "LastModifiedTime": ended,
    }


def describe_transform(name: str, scope: Scope) -> Document | None:
    """DescribeTransformJob of a candidate's step; None where no candidate has one of this name."""
    found = _find(TRANSFORM, name, scope)
    if found is None:
        return None
    job, _, step = found
    began, ended = _times(*found)
    channel = job.request["AutoMLJobInputDataConfig"][0]
    return {
        "TransformJobName": step["CandidateStepName"],
        "TransformJobArn": step["CandidateStepArn"],
        "AutoMLJobArn": job.arn,
        "TransformJobStatus": "Completed",
        "ModelName": step["CandidateStepName"],
        "TransformInput": {"DataSource": channel["DataSource"], "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": job.request["OutputDataConfig"]["S3OutputPath"]},
        "TransformResources": _INSTANCE,
        "CreationTime": began,
        "TransformStartTime": began,
        "TransformEndTime": ended,
    }


def _find(kind: str, name: str, scope: Scope) -> tuple[Job, Document, dict[str, str]] | None:
    """The job, the first candidate and its step of this kind and name."""
    for job in store.of_kind(Job, scope):
        for candidate in job.candidates:
            for step in candidate["CandidateSteps"]:
                if step["CandidateStepType"] == _TYPES[kind] and step["CandidateStepName"].lower() == name.lower():
                    return job, candidate, step
    return None


def _times(job: Job, candidate: Document, step: dict[str, str]) -> tuple[float, float]:
    """When a step began and ended: the candidate's own with the candidate, the others one after the other before."""
    *before, own = candidate["CandidateSteps"]
    if step == own:
        return candidate["CreationTime"], candidate["EndTime"]
    each = max(0.0, candidate["CreationTime"] - job.created_at) / len(before)
    began = job.created_at + before.index(step) * each
    return began, began + each


def _channel(channel: Document) -> Document:
    source = {
        name: value for name, value in channel["DataSource"]["S3DataSource"].items() if name in ("S3DataType", "S3Uri")
    }
    return {
        "ChannelName": channel.get("ChannelType", "training"),
        "DataSource": {"S3DataSource": source | {"S3DataDistributionType": "FullyReplicated"}},
        "ContentType": channel.get("ContentType", "text/csv;header=present"),
        "CompressionType": channel.get("CompressionType", "None"),
    }
