"""Run one AutoML job: read the data, start its trainer, follow it, upload its results. One thread per job."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker import candidates, dataset, forms, processes, store
from local.sagemaker.errors import ApiError
from local.sagemaker.role_session import s3_client
from local.sagemaker.store import Job

POLL_SECONDS = 0.05
# The trainer enforces its cap itself; when it is this late, it is killed.
GRACE_SECONDS = 60.0
_SEED = 0
_CANDIDATES_FOLDER = "sagemaker-automl-candidates"
# What was seen of Autopilot's own; its clients read the places from the job's description.
_REPORT_FOLDERS = {
    "explainability": "documentation/explainability/output/{best}",
    "insights": "documentation/model_monitor/output/{best}",
    "notebooks": f"{_CANDIDATES_FOLDER}/pr-1-{{job}}/notebooks",
}
_EXPLORATION = "SageMakerAutopilotDataExplorationNotebook.ipynb"
_REPORT_MEMBERS = {"explainability": "Explainability", "insights": "ModelInsights"}

logger = logging.getLogger("local.sagemaker")


class JobFailed(Exception):
    """The job ends as Failed; the text is its FailureReason."""


class JobStopped(Exception):
    """The job was stopped."""


@dataclass
class _Runner:
    job: Job
    folder: Path
    stop_requested: threading.Event = field(default_factory=threading.Event)


_runners: dict[str, _Runner] = {}


def start(job: Job) -> None:
    """Run the job in its own thread."""
    runner = _runners[job.arn] = _Runner(job, processes.new_folder("job"))
    threading.Thread(target=_run, args=(runner,), name=job.arn, daemon=True).start()


def stop(job: Job) -> None:
    """Ask a running job to stop; it becomes Stopped when its process has ended."""
    if runner := _runners.get(job.arn):
        runner.stop_requested.set()


def stop_all() -> None:
    """Ask all running jobs to stop."""
    for runner in list(_runners.values()):
        runner.stop_requested.set()


def _run(runner: _Runner) -> None:
    job = runner.job
    try:
        reason = _train(runner)
    except JobStopped:
        _end(job, "Stopped", "Stopped")
    except (JobFailed, dataset.DataUnavailable, ApiError) as failure:
        _end(job, "Failed", "Failed", str(failure))
    except Exception:
        logger.exception("%s failed through a fault of the embedded cloud", job.arn)
        _end(job, "Failed", "Failed", "InternalServerError: We encountered an internal error. Please try again.")
    else:
        _end(job, "Completed", reason)
    finally:
        if _runners.get(job.arn) is runner:  # after a reset the name may be another job's
            del _runners[job.arn]
        processes.discard(runner.folder)


def _end(job: Job, status: str, secondary_status: str, reason: str | None = None) -> None:
    with store.lock:
        job.status, job.secondary_status = status, secondary_status
        job.failure_reason = reason[:1024] if reason else None
        job.ended_at = job.modified_at = time.time()


def _train(runner: _Runner) -> str:
    """Train the job; return the secondary status of its completion."""
    job, folder = runner.job, runner.folder
    s3 = s3_client(job.request["RoleArn"], job.scope, job.arn)
    _write_job_file(job, s3, folder)
    if runner.stop_requested.is_set():
        raise JobStopped
    process = processes.start(processes.trainer_module(), folder)
    try:
        for event in _events(runner, process):
            if reason := _apply(job, event, s3, folder):
                return reason
    except TimeoutError:
        with store.lock:
            ranked = candidates.better_first(job.candidates)
            job.best = ranked[0]["CandidateName"] if ranked else None
        return "MaxAutoMLJobRuntimeReached"
    finally:
        processes.stop(process)
    logger.error("the trainer of %s ended with %s:\n%s", job.arn, process.returncode, processes.log_tail(folder))
    raise JobFailed("AlgorithmError: the training process ended unexpectedly.")


def _write_job_file(job: Job, s3: Any, folder: Path) -> None:
    channels: dict[str, dataset.Download] = {}
    for channel in job.request["AutoMLJobInputDataConfig"]:
        kind = channel.get("ChannelType", "training")
        channels[kind] = dataset.download(s3, channel, job.request["RoleArn"], job.scope.region, folder / kind)
    criteria = job.tabular.get("CompletionCriteria", {})
    validation = channels.get("validation")
    job.mode = _mode(job, channels["training"])
    description = {
        "job_name": job.name,
        "problem_type": job.tabular.get("ProblemType"),
        "target": job.tabular["TargetAttributeName"],
        "objective": job.request.get("AutoMLJobObjective", {}).get("MetricName"),
        "max_candidates": criteria.get("MaxCandidates"),
        "max_runtime_seconds": criteria.get("MaxAutoMLJobRuntimeInSeconds"),
        "mode": job.mode,
        "channels": {
            "training": [str(path) for path in channels["training"].paths],
            "validation": [str(path) for path in validation.paths] if validation else None,
        },
        "validation_fraction": job.request.get("DataSplitConfig", {}).get("ValidationFraction", 0.2),
        "seed": _SEED,
    }
    (folder / "job.json").write_text(json.dumps(description), encoding="utf-8")


def _mode(job: Job, training: dataset.Download) -> str:
    """AUTO is ENSEMBLING under 100 MB, else HPO, as are manifests and more than 1,000 objects (Autopilot's guide)."""
    mode: str = job.tabular.get("Mode", "AUTO")
    if mode != "AUTO":
        return mode
    manifest = any(
        channel["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"
        for channel in job.request["AutoMLJobInputDataConfig"]
    )
    small = training.size_bytes < dataset.AUTO_MODE_LIMIT_BYTES
    few = len(training.paths) <= dataset.AUTO_MODE_LIMIT_OBJECTS
    return "ENSEMBLING" if small and few and not manifest else "HYPERPARAMETER_TUNING"


def _events(runner: _Runner, process: processes.Process) -> Iterator[dict[str, Any]]:
    """The trainer's events until its process ends; raises JobStopped, and TimeoutError past the cap and its grace."""
    cap_seconds = runner.job.tabular.get("CompletionCriteria", {}).get("MaxAutoMLJobRuntimeInSeconds")
    deadline = None if cap_seconds is None else runner.job.created_at + cap_seconds + GRACE_SECONDS
    path, position = runner.folder / "events.jsonl", 0
    while True:
        ended = process.poll() is not None
        if path.exists():
            with path.open("rb") as file:
                file.seek(position)
                complete = file.read().rpartition(b"\n")[0]
            if complete:
                position += len(complete) + 1
                yield from map(json.loads, complete.splitlines())
        if runner.stop_requested.wait(0 if ended else POLL_SECONDS):
            raise JobStopped
        if ended:
            return
        if deadline is not None and time.time() > deadline:
            raise TimeoutError


def _apply(job: Job, event: dict[str, Any], s3: Any, folder: Path) -> str | None:
    """Apply one event of the trainer to the job; return the reason of a completion."""
    match event["event"]:
        case "status":
            _change(job, secondary_status=event["secondary_status"])
        case "problem":
            _change(job, problem_type=event["problem_type"], objective=event["objective"])
        case "partial_failure":
            _change(job, partial_failures=[*job.partial_failures, event["reason"]])
        case "candidate":
            name = _candidate_name(job, event["name"])
            artifacts = [container["artifact"] for container in event["containers"]]
            folder_uri, own_folder = f"{_output_uri(job)}/{_CANDIDATES_FOLDER}/{name}", f"candidates/{event['name']}/"
            uris = [f"{folder_uri}/{artifact.removeprefix(own_folder)}" for artifact in artifacts]
            for artifact, uri in zip(artifacts, uris, strict=True):
                _upload(job, s3, folder / artifact, uri)
                (folder / artifact).unlink()
            finished = candidates.document(event, name, uris, job.scope, job.name, time.time())
            _change(job, candidates=[*job.candidates, finished])
        case "completed":
            if event["best"]:
                _complete(job, event, s3, folder)
            return str(event["reason"])
        case "failed":
            raise JobFailed(event["reason"])
    return None


def _change(job: Job, **fields: Any) -> None:
    with store.lock:
        for name, value in fields.items():
            if name != "secondary_status" or job.status == "InProgress":
                setattr(job, name, value)
        job.modified_at = time.time()


def _candidate_name(job: Job, model: str) -> str:
    return forms.candidate_name(model, ensembling=job.mode == "ENSEMBLING")


def _complete(job: Job, event: dict[str, Any], s3: Any, folder: Path) -> None:
    best = _candidate_name(job, event["best"])
    locations: dict[str, str] = {}
    notebook = None
    for report, artifact in (event.get("artifacts") or {}).items():
        uri = f"{_output_uri(job)}/{_REPORT_FOLDERS[report].format(best=best, job=job.name)}"
        for path in _files(folder / artifact):
            _upload(job, s3, path, f"{uri}/{path.name}")
            if path.name == _EXPLORATION:
                notebook = f"{uri}/{path.name}"
        if report in _REPORT_MEMBERS:
            locations[_REPORT_MEMBERS[report]] = uri
    # A new list rather than a change in place: a description may be in transit.
    finished = [
        _with_reports(candidate, locations) if candidate["CandidateName"] == best else candidate
        for candidate in job.candidates
    ]
    _change(job, candidates=finished, best=best, notebook=notebook)


def _with_reports(candidate: dict[str, Any], locations: dict[str, str]) -> dict[str, Any]:
    if "Explainability" not in locations:  # the one member that CandidateArtifactLocations requires
        return candidate
    properties = {**candidate["CandidateProperties"], "CandidateArtifactLocations": locations}
    return {**candidate, "CandidateProperties": properties}


def _files(artifact: Path) -> list[Path]:
    return sorted(path for path in artifact.rglob("*") if path.is_file()) if artifact.is_dir() else [artifact]


def _output_uri(job: Job) -> str:
    return f"{job.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job.name}"


def _upload(job: Job, s3: Any, path: Path, uri: str) -> None:
    bucket, key = dataset.split_uri(uri)
    kms_key = job.request["OutputDataConfig"].get("KmsKeyId")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else None
    try:
        s3.upload_file(str(path), bucket, key, ExtraArgs=encryption)
    except (ClientError, S3UploadFailedError, BotoCoreError) as error:
        raise JobFailed(
            f'ClientError: Failed to upload to "{uri}". Please ensure that the role "{job.request["RoleArn"]}" has '
            f'"s3:PutObject" permissions on bucket "{bucket}". Error message from S3: {error}'
        ) from error
