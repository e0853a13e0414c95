"""Start the AutoML job in the customer's account, under a name that only this run can have."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.customer import assume


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the job's name and the wait until the first look; a repeat adopts the job that runs."""
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    tenant, job = registry.get_tenant(run.tenant), run.job()
    session = assume(tenant, run.execution, session_policies.train(tenant.account, job))
    output_uri = f"s3://{tenant.account.bucket}/{run.customer_folder}output"
    automl.start(
        session.client("sagemaker"), tenant.account, job, run.execution, settings, event["training_uri"], output_uri
    )
    registry.update_execution(
        run.tenant,
        run.execution,
        {"training": {"job_name": job, "status": "InProgress", "secondary_status": "Starting"}},
    )
    return {"job": job, "wait_seconds": automl_job.FIRST_WAIT_SECONDS}
