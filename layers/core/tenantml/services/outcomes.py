"""How an execution and a deployment ended: recorded once, and published once."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from tenantml.aws import events
from tenantml.domain.predictions.batch import Batch
from tenantml.domain.training import execution_outcome as domain
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.services import deployments, registry, spending
from tenantml.services.registry import uploads

# An account that refused one execution may refuse all; whether it does is for the probe to say.


def record(upload: Upload, failure: dict[str, str] | None, left_behind: list[str]) -> dict[str, Any]:
    """Write the outcome, publish it on the bus, and return it; the first caller decides what it is. An upload whose
    version went live has succeeded, whatever failed after that, unless it was rolled back.

    The row is written before the event is sent and marked after it, so that a crash between the two publishes it
    again rather than never; a receiver recognises a repetition by the execution's name.
    """
    claimed = upload.key.split("/")[0]
    tenant = registry.find_tenant(claimed)
    owner = claimed if tenant else registry.NOBODY
    run = _run_of(owner, upload.execution)
    if run:
        failure = _verdict(run, failure)
    outcome = domain.of(failure, left_behind)
    if run:
        spending.settle(run, begun="training" in (registry.find_execution(owner, upload.execution) or {}))
        registry.end_version(run, {"error": outcome["error"], "left_behind": left_behind})
    registry.end_execution(
        owner, upload.execution, {**outcome, "tenant": owner, "upload": upload.as_input(), "announced": False}
    )
    row = registry.require_execution(owner, upload.execution)
    event = {
        name: row.get(name) for name in ("execution", "tenant", "model", "version", "status", "error", "left_behind")
    }
    if not row["announced"]:
        _publish("Execution Ended", event)
        registry.update_execution(owner, upload.execution, {"announced": True})
    return event


def record_training(upload: Upload, failure: dict[str, str], left_behind: list[str]) -> dict[str, Any]:
    """Record how the upload of a training that failed has ended, unless the deployment of its version was started,
    which does; return the outcome, or the upload as it is, with what the training failed of.
    """
    run = _run_of(upload.key.split("/")[0], upload.execution)
    if run is None or not deployments.is_started(run):
        return record(upload, failure, left_behind)
    row = registry.require_execution(run.tenant, run.execution)
    return run.as_document() | domain.of(failure, left_behind) | {"status": row["status"]}


def record_deployment(run: Run, failure: dict[str, str] | None, left_behind: list[str]) -> dict[str, Any]:
    """Write how a deployment ended, publish it, and return it; of the version that an upload came for, it is how the
    upload ended.
    """
    execution = registry.find_execution(run.tenant, run.execution)
    if execution and execution["version"] == run.version:
        return record(Upload(**execution["upload"]), failure, left_behind)
    outcome = domain.of(_verdict(run, failure), left_behind)
    registry.end_version(run, {"error": outcome["error"], "left_behind": left_behind, "announced": False})
    row = registry.find_version(run.tenant, run.model, run.version) or {}
    event = run.as_document() | {
        "status": "failed" if row.get("error") else "succeeded",
        "error": row.get("error"),
        "left_behind": row.get("left_behind", []),
    }
    if "returned" in row:
        event |= {"returns_to": row.get("returns_to"), "by": row["returned"]["by"], "resumes": row.get("resumes")}
    if not row.get("announced"):
        _publish("Deployment Ended", event)
        registry.update_version(run.tenant, run.model, run.version, {"announced": True})
    return event


def record_batch(upload: Upload, failure: dict[str, str] | None, left_behind: list[str]) -> dict[str, Any]:
    """Write how a batch ended, publish it, and return it; the first caller decides what it is. The result of one that
    succeeded is kept for the days of the model's setting.

    Raises:
        ValueError: the upload is no batch's: a bug, or a forgery.
    """
    batch = Batch.of_key(upload.key)
    if batch is None:
        raise ValueError("the upload is no batch's")
    outcome = domain.of(failure, left_behind)
    row = registry.find_execution(batch.tenant, batch.execution) or _refused(batch, upload)
    if row:
        spending.settle(Run.of_row(row), begun="transform" in row)  # for what it cost, if that was measured
    registry.end_batch(batch.tenant, batch.execution, outcome)
    row = registry.find_execution(batch.tenant, batch.execution) or {}
    event: dict[str, Any] = {"execution": batch.execution, "tenant": batch.tenant, "model": batch.model} | {
        name: row.get(name) for name in ("batch", "version", "status", "error", "left_behind")
    }
    if row.get("announced") is False:
        _publish("Batch Ended", event)
        registry.update_execution(batch.tenant, batch.execution, {"announced": True})
    return event


def _refused(batch: Batch, upload: Upload) -> dict[str, Any]:
    """Make a batch visible that was refused before it began, and return its row; empty when nobody asked for it."""
    asked = uploads.find(batch.tenant, batch.batch)
    if "batch" not in asked or asked["model"] != batch.model:
        return {}
    run = Run(batch.execution, batch.tenant, batch.model, asked["version"])
    registry.begin_batch(run, {"batch": batch.batch, "upload": upload.as_input()})
    return registry.require_execution(batch.tenant, batch.execution)


def _publish(kind: str, event: dict[str, Any]) -> None:
    concerned = domain.concerns_operators(event)
    events.publish(kind, event | {"concerns_operators": concerned})
    if concerned:
        _count_failure()


def _verdict(run: Run, failure: dict[str, str] | None) -> dict[str, str] | None:
    """Return why it failed; a version that went live has succeeded, whatever failed after that, unless it was rolled
    back, or should have been, and nobody chose it again.
    """
    row = registry.find_version(run.tenant, run.model, run.version) or {}
    if row.get("refused"):
        return {"Error": "RolledBack", "Cause": row["refused"]}
    if row.get("failing"):
        return {"Error": "NotRolledBack", "Cause": row["failing"]}
    return None if "promoted_at" in row else failure


def _count_failure() -> None:
    """Count a failed execution where an alarm looks (the metric `ExecutionsFailed`)."""
    with single_metric(name="ExecutionsFailed", unit=MetricUnit.Count, value=1, namespace="TenantML") as metric:
        metric.add_dimension(name="service", value="tenantml")


def _run_of(tenant: str, execution: str) -> Run | None:
    row = registry.find_execution(tenant, execution)
    return Run.of_row(row) if row and "version" in row else None
