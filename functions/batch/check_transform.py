"""Check the batch transform."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import transform_jobs
from tenantml.domain.access import session_policies
from tenantml.domain.predictions import batch
from tenantml.domain.training import automl_job
from tenantml.entrypoint import state
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether the job is over, and how long to wait if not; a job that did not complete is a named failure."""
    client = context.customer(session_policies.transform(context.account, context.job)).client("sagemaker")
    over = batch.is_over(*transform_jobs.status(client, context.job), event["waited_seconds"])
    wait_seconds = automl_job.next_wait_seconds(event["wait_seconds"])
    return {"over": over, "wait_seconds": wait_seconds, "waited_seconds": event["waited_seconds"] + wait_seconds}
