"""The training jobs behind Autopilot's candidates, which the SDK's CandidateEstimator describes step by step.

Nobody can create others here. What the trainer does not know of a job (its instance, its image's parameters) is that of
a real one's shape, not a measurement.
"""

from __future__ import annotations

import math
from typing import Any

from local.sagemaker import store
from local.sagemaker.errors import invalid
from local.sagemaker.store import Job, Scope

Document = dict[str, Any]

_DAY_SECONDS = 86_400  # StoppingCondition's default


def describe(request: Document, scope: Scope) -> Document:
    """DescribeTrainingJob, of a candidate's step."""
    name = request["TrainingJobName"]
    for job in store.of_kind(Job, scope):
        for candidate in job.candidates:
            (step,) = candidate["CandidateSteps"]
            if step["CandidateStepName"].lower() == name.lower():
                return _description(job, candidate, step)
    raise invalid(
        "Requested resource not found."
    )  # not ResourceNotFound: seen on AWS, github.com/aws/aws-sdk/issues/165


def _description(job: Job, candidate: Document, step: Document) -> Document:
    # The last container that holds a model; in HPO the first transforms features and the third restores labels.
    containers = candidate["InferenceContainers"]
    algorithm = containers[0] if len(containers) == 1 else containers[1]
    seconds = max(1, math.ceil(candidate["EndTime"] - candidate["CreationTime"]))
    metric = candidate["FinalAutoMLJobObjectiveMetric"]
    return {
        "TrainingJobName": step["CandidateStepName"],
        "TrainingJobArn": step["CandidateStepArn"],
        "AutoMLJobArn": job.arn,
        "ModelArtifacts": {"S3ModelArtifacts": algorithm["ModelDataUrl"]},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingImage": algorithm["Image"], "TrainingInputMode": "File"},
        "RoleArn": job.request["RoleArn"],
        "InputDataConfig": [_channel(channel) for channel in job.request["AutoMLJobInputDataConfig"]],
        "OutputDataConfig": job.request["OutputDataConfig"],
        "ResourceConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY_SECONDS},
        "CreationTime": candidate["CreationTime"],
        "TrainingStartTime": candidate["CreationTime"],
        "TrainingEndTime": candidate["EndTime"],
        "LastModifiedTime": candidate["LastModifiedTime"],
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
        "FinalMetricDataList": [
            {
                "MetricName": f"validation:{metric['MetricName'].lower()}",
                "Value": metric["Value"],
                "Timestamp": candidate["EndTime"],
            }
        ],
    }


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
