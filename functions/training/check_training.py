"""Look at the AutoML job, and keep for the tenant what is to be seen."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.errors import TrainingTimedOut
from tenantml.services import registry
from tenantml.services.customer import assume


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether the job is over, and how long to wait if not; a job that did not complete is a named failure."""
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    tenant, job = registry.get_tenant(run.tenant), event["job"]
    client = assume(tenant, run.execution, session_policies.train(tenant.account, job)).client("sagemaker")
    found = automl.describe(client, job)
    registry.update_execution(
        run.tenant, run.execution, {"training": automl_job.progress(found, automl.candidates(client, job))}
    )
    try:
        over = automl_job.is_over(found, settings.max_runtime_seconds)
    except TrainingTimedOut:
        automl.stop(client, job)
        raise
    return {"over": over, "wait_seconds": automl_job.next_wait_seconds(event["wait_seconds"])}
