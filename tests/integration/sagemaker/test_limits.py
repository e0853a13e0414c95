"""Limits that take too long to wait for over HTTP."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.sagemaker import job_runner
from local.sagemaker.dataset import AUTO_MODE_LIMIT_BYTES, AUTO_MODE_LIMIT_OBJECTS, Download
from local.sagemaker.store import Job, Scope

SCOPE = Scope("222222222222", "us-east-1")


def a_job(*, data_type: str = "S3Prefix", age_seconds: float = 0, **tabular: object) -> Job:
    request = {
        "AutoMLJobInputDataConfig": [{"DataSource": {"S3DataSource": {"S3DataType": data_type}}}],
        "AutoMLProblemTypeConfig": {"TabularJobConfig": tabular},
    }
    return Job(SCOPE, "job", request, created_at=time.time() - age_seconds)


def test_a_trainer_that_ignores_its_cap_is_given_up(tmp_path: Path) -> None:
    late = a_job(
        CompletionCriteria={"MaxAutoMLJobRuntimeInSeconds": 5}, age_seconds=6 + job_runner.GRACE_SECONDS
    )  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with pytest.raises(TimeoutError):
            list(job_runner._events(job_runner._Runner(late, tmp_path), process))
        process.kill()


@pytest.mark.parametrize(
    ("job", "size_bytes", "objects", "mode"),
    [
        (a_job(), AUTO_MODE_LIMIT_BYTES - 1, 1, "ENSEMBLING"),
        (a_job(), AUTO_MODE_LIMIT_BYTES, 1, "HYPERPARAMETER_TUNING"),
        (a_job(), 1, AUTO_MODE_LIMIT_OBJECTS, "ENSEMBLING"),
        (a_job(), 1, AUTO_MODE_LIMIT_OBJECTS + 1, "HYPERPARAMETER_TUNING"),
        (a_job(data_type="ManifestFile"), 1, 1, "HYPERPARAMETER_TUNING"),
        (a_job(Mode="ENSEMBLING", data_type="ManifestFile"), AUTO_MODE_LIMIT_BYTES, 1, "ENSEMBLING"),
    ],
    ids=["small", "large", "many objects", "too many objects", "manifest", "set"],
)
def test_the_mode_follows_the_size_unless_set(job: Job, size_bytes: int, objects: int, mode: str) -> None:
    assert job_runner._mode(job, Download([Path("part.csv")] * objects, size_bytes)) == mode
