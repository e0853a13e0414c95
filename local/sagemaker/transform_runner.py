"""Run one batch transform: serve the model, send it each object's records, write each answer. One thread per job.

SageMaker developer guide, "Batch transform for inference": an object `data.csv` becomes `data.csv.out`; records are
lines (SplitType Line), as many at a time as fit into MaxPayloadInMB (MultiRecord) or one (SingleRecord); an object with
a bad record has no output, the others do, and the job is Failed.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import dataset, replica, store
from local.sagemaker.errors import ApiError
from local.sagemaker.replica import HostingFailed, Replica
from local.sagemaker.role_session import s3_client
from local.sagemaker.store import Model, TransformJob

DEFAULT_PAYLOAD_MB = 6
MEGABYTE = 1024 * 1024

logger = logging.getLogger("local.sagemaker")
_stops: dict[str, threading.Event] = {}


class TransformFailed(Exception):
    """An object cannot be transformed; the text is the job's FailureReason."""


class TransformStopped(Exception):
    """The job was stopped."""


def start(job: TransformJob, model: Model) -> None:
    """Run the job in its own thread, with the model as it is now."""
    _stops[job.arn] = threading.Event()
    threading.Thread(target=_run, args=(job, model.request, _stops[job.arn]), name=job.arn, daemon=True).start()


def stop(job: TransformJob) -> None:
    """Ask a running job to stop; it becomes Stopped when its process has ended."""
    if requested := _stops.get(job.arn):
        requested.set()


def stop_all() -> None:
    """Ask all running jobs to stop."""
    for requested in list(_stops.values()):
        requested.set()


def _run(job: TransformJob, model: dict[str, Any], stopped: threading.Event) -> None:
    status, reason = "Completed", None
    try:
        _transform(job, model, stopped)
    except TransformStopped:
        status = "Stopped"
    except (TransformFailed, HostingFailed, dataset.DataUnavailable, ApiError) as failure:
        status, reason = "Failed", str(failure)
    except Exception:
        logger.exception("%s failed through a fault of the embedded cloud", job.arn)
        status = "Failed"
        reason = "InternalServerError: We encountered an internal error. Please try again."
    with store.lock:
        job.status, job.failure_reason = status, reason[:1024] if reason else None
        job.ended_at = job.modified_at = time.time()
    _stops.pop(job.arn, None)


def _transform(job: TransformJob, model: dict[str, Any], stopped: threading.Event) -> None:
    s3 = s3_client(model["ExecutionRoleArn"], job.scope, job.arn)
    source = job.request["TransformInput"]["DataSource"]["S3DataSource"]
    found = list(dataset.objects(s3, source, model["ExecutionRoleArn"], job.scope.region))
    if not found:
        raise TransformFailed(f"ClientError: No S3 objects found under S3 URL {source['S3Uri']}.")
    serving = replica.start({"VariantName": job.name}, _with_environment(model, job), job.scope, job.arn)
    try:
        with store.lock:
            job.started_at = job.modified_at = time.time()
        failures = []
        for bucket, key in found:
            try:
                _transform_object(job, s3, serving, bucket, key, stopped)
            except TransformFailed as failure:
                failures.append(str(failure))
        if failures:
            raise TransformFailed(failures[0])
    finally:
        serving.kill()


def _with_environment(model: dict[str, Any], job: TransformJob) -> dict[str, Any]:
    """The model with the job's variables in its containers."""
    extra = job.request.get("Environment", {})
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    changed = [one | {"Environment": one.get("Environment", {}) | extra} for one in containers]
    return {"ExecutionRoleArn": model["ExecutionRoleArn"], "Containers": changed}


def _transform_object(
    job: TransformJob, s3: Any, serving: Replica, bucket: str, key: str, stopped: threading.Event
) -> None:
    uri, taken = f"s3://{bucket}/{key}", job.request["TransformOutput"]
    line_ends = taken.get("AssembleWith", "None") == "Line"
    try:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise TransformFailed(f"ClientError: Failed to download {uri}: {error}") from error
    answers = []
    for payload in _payloads(content, job.request, uri):
        if stopped.is_set():
            raise TransformStopped
        answer = _ask(serving, payload, job.request, uri)
        answers.append(answer.removesuffix(b"\n") + b"\n" if line_ends else answer)
    if stopped.is_set():
        raise TransformStopped
    output_bucket, prefix = dataset.split_uri(taken["S3OutputPath"].rstrip("/"))
    output_key = "/".join(part for part in (prefix, f"{_below(job, key)}.out") if part)
    kms_key = taken.get("KmsKeyId")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    try:
        s3.put_object(Bucket=output_bucket, Key=output_key, Body=b"".join(answers), **encryption)
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise TransformFailed(f"ClientError: Failed to upload s3://{output_bucket}/{output_key}: {error}") from error


def _below(job: TransformJob, key: str) -> str:
    """The object's name below the last slash of the prefix that was asked for."""
    source = job.request["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] != "S3Prefix":
        return key.rsplit("/", 1)[-1]
    folder = dataset.split_uri(source["S3Uri"])[1].rpartition("/")[0]
    return key.removeprefix(f"{folder}/") if folder else key


def _payloads(content: bytes, request: dict[str, Any], uri: str) -> Iterator[bytes]:
    """What is sent at a time; raises TransformFailed when a record alone is too large."""
    limit = request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB) * MEGABYTE or len(content)  # 0: as large as it is
    if request["TransformInput"].get("SplitType", "None") == "None":
        records, single = [content], True
    else:
        records = content.splitlines(keepends=True)
        single = request.get("BatchStrategy", "MultiRecord") == "SingleRecord"
    batch: list[bytes] = []
    size = 0
    for record in records:
        if len(record) > limit:
            raise TransformFailed(f"ClientError: Too much data for max payload size: {uri}")
        if batch and (single or size + len(record) > limit):
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield b"".join(batch)


def _ask(serving: Replica, payload: bytes, request: dict[str, Any], uri: str) -> bytes:
    headers = {"content-type": request["TransformInput"].get("ContentType", "application/octet-stream")}
    if accept := request["TransformOutput"].get("Accept"):
        headers["accept"] = accept
    try:
        status, _, answer = serving.invoke(payload, headers)
    except (OSError, http.client.HTTPException) as error:
        raise TransformFailed(f"AlgorithmError: the container does not answer for {uri}: {error}") from error
    if status != http.client.OK:
        kind = "ClientError" if status < http.client.INTERNAL_SERVER_ERROR else "AlgorithmError"
        raise TransformFailed(
            f"{kind}: the container answered {status} for {uri}. See job logs for more information. "
            f"{answer[:300].decode(errors='replace')}"
        )
    return answer
