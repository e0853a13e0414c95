"""Check the AutoML job, and record its progress for the tenant."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job
from tenantml.entrypoint import logger, report_bug, state
from tenantml.errors import TenantMLError, TrainingTimedOut
from tenantml.services import measuring, turns
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether the job is over, and how long to wait if not; a job that did not complete is a named failure, and
    so is one that a newer upload stops.
    """
    job = event["job"]
    client = context.customer(session_policies.train(context.account, job)).client("sagemaker")
    description = automl.describe(client, job)
    show_progress(context, client, description)
    if description["AutoMLJobStatus"] in automl_job.OVER:
        measuring.settle(context)
    if description["AutoMLJobStatus"] != "Completed":  # what is paid for is kept
        turns.require(context.run)
    try:
        over = automl_job.is_over(description, context.settings.max_runtime_seconds)
    except TrainingTimedOut:
        automl.stop(client, job)
        raise
    return {"over": over, "wait_seconds": automl_job.next_wait_seconds(event["wait_seconds"])}


def show_progress(context: RunContext, client: Any, description: dict[str, Any]) -> None:
    """Keep what the tenant sees of the job; a job that cannot be shown trains on, for a failure here would stop it."""
    try:
        found = automl.candidates(client, description["AutoMLJobName"])
        context.note(training=automl_job.progress(description, found))
        context.advise(automl_job.advice(description))
    except TenantMLError as error:
        logger.warning("progress is not shown", extra={"code": type(error).__name__, "reason": str(error)})
    except Exception:  # noqa: BLE001 - a bug in showing must not end what is shown; reported as the bug it is
        report_bug()
