"""Rescue: the failure path for executions that ended without running one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from tenantml.aws import stepfunctions
from tenantml.aws.error_codes import ours
from tenantml.domain.predictions.batch import Batch
from tenantml.domain.training.execution_outcome import FROM_OUTSIDE
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import TransientError
from tenantml.services import deployments, outcomes, registry, removal, transforms
from tenantml.settings import setting

CAUSES = FROM_OUTSIDE | {
    # Every failure path ends with its record; what none ran for, or could not write, is written by rescue and sweep.
    "FAILED": {"Error": "OutcomeNotRecorded", "Cause": "the execution failed and could not record why"},
}


def rescue_training(upload: Upload, status: str) -> dict[str, Any]:
    """Remove what a training left that ended by this status of Step Functions and ran no failure path, and record its
    outcome, unless the deployment that it started does. Repeatable.

    Raises:
        StillChanging: something of it is still being created or stopped; the outcome is recorded when it is removed.
    """
    tenant = upload.key.split("/")[0]
    row = registry.find_execution(tenant, upload.execution)
    left_behind = []
    if row and "ended_at" not in row and not deployments.is_started(run := Run.of_row(row)):
        left_behind = removal.stop_training(run).left_behind
        left_behind += removal.clean_up(run, failed=True, delivered=True).left_behind
    return outcomes.record_training(upload, CAUSES[status], left_behind)


def rescue_deployment(run: Run, left_behind: list[str], status: str) -> dict[str, Any]:
    """Remove what a deployment left that ran no failure path, and record its outcome; `left_behind` is what its
    training could not remove. Repeatable.

    Raises:
        StillChanging: its endpoint is still being created; the outcome is recorded when it is removed.
    """
    return outcomes.record_deployment(run, CAUSES[status], left_behind + removal.roll_back(run).left_behind)


def rescue_batch(upload: Upload, status: str) -> dict[str, Any]:
    """Stop and remove what a batch left that ran no failure path, and record its outcome. Repeatable.

    Raises:
        StillChanging: its job is being stopped; the outcome is recorded when it is removed.
    """
    batch = Batch.of_key(upload.key)
    row = registry.find_execution(batch.tenant, batch.execution) if batch else None
    left_behind = []
    if row and "ended_at" not in row:
        left_behind = transforms.clean_up(Run.of_row(row), failed=True).left_behind
    return outcomes.record_batch(upload, CAUSES[status], left_behind)


def rescue_lost() -> list[str]:
    """Rescue executions that ended in one of these ways and of which nobody was told; return their names.

    One whose resources are still changing, or cannot be reached now, waits for the next sweep.
    """
    rescued = []
    for name, rescue in _lost():
        with suppress(TransientError), ours():
            rescue()
            rescued.append(name)
    return rescued


def _lost() -> Iterator[tuple[str, Callable[[], Any]]]:
    for status in CAUSES:
        for name, started in stepfunctions.ended_as(setting("TRAINING_STATE_MACHINE"), status):
            upload = Upload(**started)
            row = registry.find_execution(upload.key.split("/")[0], name)
            if row and not row.get("announced"):
                yield name, partial(rescue_training, upload, status)
        for name, started in stepfunctions.ended_as(setting("BATCH_STATE_MACHINE"), status):
            upload = Upload(**started)
            row = registry.find_execution(upload.key.split("/")[0], name)
            if row and not row.get("announced"):
                yield name, partial(rescue_batch, upload, status)
        for name, started in stepfunctions.ended_as(setting("DEPLOYMENT_STATE_MACHINE"), status):
            run = Run.of_document(started["run"])
            version = registry.find_version(run.tenant, run.model, run.version)
            if version and not _is_announced(run, version):
                yield name, partial(rescue_deployment, run, started["left_behind"], status)


def _is_announced(run: Run, version: dict[str, Any]) -> bool:
    """Whether a deployment's end is recorded and published; that of an upload's own version is its execution's."""
    execution = registry.find_execution(run.tenant, run.execution)
    row = execution if execution and execution["version"] == run.version else version
    return "ended_at" in version and row.get("announced") is not False
