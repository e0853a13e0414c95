"""Look at the AutoML job, and keep for the tenant what is to be seen."""

from __future__ import annotations

from typing import Any

from tenantml.aws import autopilot, registry
from tenantml.aws.customer import assume
from tenantml.domain import session_policies, training
from tenantml.domain.models import ModelSettings
from tenantml.domain.runs import Run
from tenantml.entrypoint import state
from tenantml.errors import TrainingTimedOut


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether the job is over, and how long to wait if not; a job that did not complete is a named failure."""
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    tenant, job = registry.get_tenant(run.tenant), event["job"]
    client = assume(tenant, run.execution, session_policies.train(tenant.account, job)).client("sagemaker")
    found = autopilot.describe(client, job)
    registry.update_execution(
        run.tenant, run.execution, {"training": training.progress(found, autopilot.candidates(client, job))}
    )
    try:
        over = training.is_over(found, settings.max_runtime_seconds)
    except TrainingTimedOut:
        autopilot.stop(client, job)
        raise
    return {"over": over, "wait_seconds": training.next_wait_seconds(event["wait_seconds"])}
