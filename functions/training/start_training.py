"""Start the AutoML job in the customer's account, under a name that only this run can have."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import account_quotas, automl_job
from tenantml.entrypoint import state
from tenantml.services import account_limits, registry, turns
from tenantml.services.customer import CustomerSession
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the job's name and the wait until the first poll; a repeat adopts the running job."""
    run, account, job, settings = context.run, context.account, context.job, context.settings
    turns.require(run)
    mode = automl_job.training_mode(settings, event["size_bytes"])
    session = context.customer(session_policies.train(account, job))
    output_uri = f"s3://{account.bucket}/{run.customer_folder}output"
    automl.start(
        session.client("sagemaker"), account, job, run.execution, settings, mode, event["training_uri"], output_uri
    )
    context.note(training={"job_name": job, "status": "InProgress", "secondary_status": "Starting", "mode": mode})
    context.advise(automl_job.size_advice(event["size_bytes"]) + quota_advice(context, session))
    return {"job": job, "wait_seconds": automl_job.FIRST_WAIT_SECONDS}


def quota_advice(context: RunContext, session: CustomerSession) -> list[dict[str, str]]:
    """Return which quota will keep the version from being deployed; read while the job runs, which costs it no time."""
    model = registry.find_model(context.run.tenant, context.run.model) or {}
    has_version = model.get("live_version") is not None
    shortages = account_limits.shortages(session, [context.settings], has_version=has_version)
    return [{"rule": account_quotas.QUOTA_SHORTAGE, "message": message} for message in shortages or ()]
