"""Check whether the new version's endpoint is in service."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.training.automl_job import is_about_quota
from tenantml.entrypoint import state
from tenantml.errors import DeploymentFailed, DeploymentTimedOut, QuotaExceeded
from tenantml.services import scaling, sizing
from tenantml.services.run_context import RunContext

POLLS = 120  # an hour of half minutes


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether it is in service, where it begins to scale if it is to, and on what to try it instead if its
    container did not come up; any other failed endpoint, and a missing one, is a named failure.
    """
    name = context.endpoint
    client = context.customer(session_policies.deploy(context.account, name)).client("sagemaker")
    status, reason = endpoints.status(client, name)
    context.note_endpoint(status)
    plan = sizing.planned_before(context)
    if status == "Failed" and plan and (larger := plan.larger(reason, context.account.instance_types)):
        return {"in_service": False, "larger": larger.as_document()}
    if status not in {"Creating", "Updating", "InService"}:
        kind = QuotaExceeded if is_about_quota(reason) else DeploymentFailed
        raise kind(
            f"the endpoint {name} is {status}: {reason or 'SageMaker gave no reason'}; see its logs in your account"
        )
    if status != "InService" and event["polls"] >= POLLS:
        raise DeploymentTimedOut(
            f"the endpoint {name} is still {status}; see its logs in your account, and deploy the candidate again"
        )
    if status == "InService" and plan:
        scaling.begin(context, plan)
    return {"in_service": status == "InService", "larger": None}
