"""Batch transform: create, describe, list, stop. `transform_runner` runs a job."""

from __future__ import annotations

import time
from operator import itemgetter
from typing import Any

from local.sagemaker import candidate_steps, listing, store, transform_runner
from local.sagemaker.errors import ApiError, invalid, not_supported
from local.sagemaker.store import Model, Scope, TransformJob

Document = dict[str, Any]

_RUNNING = ("InProgress", "Stopping")
_UNSUPPORTED = ("DataProcessing", "DataCaptureConfig", "ExperimentConfig")


def create(request: Document, scope: Scope) -> Document:
    """CreateTransformJob."""
    _check(request)
    with store.lock:
        if existing := store.find(TransformJob, scope, request["TransformJobName"]):
            raise ApiError("ResourceInUse", f"Job name must be unique within an AWS account and region: {existing.arn}")
        model = store.get(Model, scope, request["ModelName"])
        job = TransformJob(scope, request["TransformJobName"], request, request.get("Tags", []))
        store.add(job)
    transform_runner.start(job, model)
    return {"TransformJobArn": job.arn}


def _check(request: Document) -> None:
    """What the API reference says of CreateTransformJob and no shape does; what cannot be done here has a name."""
    if unsupported := next((name for name in _UNSUPPORTED if request.get(name)), None):
        raise not_supported(unsupported)
    given, taken = request["TransformInput"], request["TransformOutput"]
    source = given["DataSource"].get("S3DataSource")
    if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise not_supported("A transform's data source that is neither S3Prefix nor ManifestFile")
    split = given.get("SplitType", "None")
    if split not in ("None", "Line"):
        raise not_supported(f"SplitType {split}")
    if split == "None" and request.get("BatchStrategy") == "MultiRecord":
        raise invalid("BatchStrategy MultiRecord requires SplitType to be Line, RecordIO or TFRecord.")
    if given.get("CompressionType", "None") == "Gzip":
        raise not_supported("CompressionType Gzip of a transform")
    if taken.get("AssembleWith", "None") == "Line" and split == "None":
        raise invalid("AssembleWith Line requires SplitType Line.")


def describe(request: Document, scope: Scope) -> Document:
    """DescribeTransformJob, also of a candidate's step."""
    if (step := candidate_steps.describe_transform(request["TransformJobName"], scope)) is not None:
        return step
    job = _get(request, scope)
    asked = {name: value for name, value in job.request.items() if name != "Tags"}
    return {
        **asked,
        "TransformJobArn": job.arn,
        "TransformJobStatus": job.status,
        "FailureReason": job.failure_reason,
        "CreationTime": job.created_at,
        "TransformStartTime": job.started_at,
        "TransformEndTime": job.ended_at,
    }


def list_jobs(request: Document, scope: Scope) -> Document:
    """ListTransformJobs."""
    with store.lock:
        summaries = [_summary(job) for job in store.of_kind(TransformJob, scope)]
    chosen = listing.chosen(summaries, request, name="TransformJobName", status="TransformJobStatus")
    members = {"Name": "TransformJobName", "CreationTime": "CreationTime", "Status": "TransformJobStatus"}
    keys = {sort: itemgetter(member) for sort, member in members.items()}
    page, token = listing.page(chosen, request, keys)
    return {"TransformJobSummaries": page, "NextToken": token}


def stop(request: Document, scope: Scope) -> Document:
    """StopTransformJob; the job is Stopping until its process has ended, and leaves no output of what it was at."""
    job = _get(request, scope)
    with store.lock:
        if job.status != "InProgress":
            raise invalid(f"The request was rejected because the transform job is in status {job.status}.")
        job.status, job.modified_at = "Stopping", time.time()
    transform_runner.stop(job)
    return {}


def fail_interrupted() -> None:
    """End the jobs that were running when the embedded cloud was stopped."""
    with store.lock:
        for job in store.of_kind(TransformJob):
            if job.status in _RUNNING:
                job.status = "Failed"
                job.failure_reason = "InternalServerError: the embedded cloud was stopped while the job was running."
                job.ended_at = job.modified_at = time.time()


def _get(request: Document, scope: Scope) -> TransformJob:
    """The job; a missing one is a ValidationException, by which botocore's waiter for such jobs gives up."""
    return store.get(TransformJob, scope, request["TransformJobName"])


def _summary(job: TransformJob) -> Document:
    return {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": job.created_at,
        "TransformEndTime": job.ended_at,
        "LastModifiedTime": job.modified_at,
        "TransformJobStatus": job.status,
        "FailureReason": job.failure_reason,
    }
