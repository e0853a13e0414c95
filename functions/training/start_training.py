"""Start the AutoML job in the customer's account, under a name that only this run can have."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job
from tenantml.entrypoint import state
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the job's name and the wait until the first poll; a repeat adopts the running job."""
    run, account, job = context.run, context.account, context.run.job()
    client = context.customer(session_policies.train(account, job)).client("sagemaker")
    output_uri = f"s3://{account.bucket}/{run.customer_folder}output"
    automl.start(client, account, job, run.execution, context.settings, event["training_uri"], output_uri)
    context.note(training={"job_name": job, "status": "InProgress", "secondary_status": "Starting"})
    return {"job": job, "wait_seconds": automl_job.FIRST_WAIT_SECONDS}
