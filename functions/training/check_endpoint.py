"""Look whether the new version's endpoint is in service."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.errors import DeploymentFailed, DeploymentTimedOut
from tenantml.services import registry
from tenantml.services.customer import assume

POLLS = 120  # an hour of half minutes


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return whether it is in service; one that failed or vanished is a named failure."""
    tenant = registry.get_tenant(run.tenant)
    client = assume(tenant, run.execution, session_policies.deploy(tenant.account, run.endpoint)).client("sagemaker")
    status, reason = endpoints.status(client, run.endpoint)
    registry.update_execution(
        run.tenant, run.execution, {"endpoint": {"name": run.endpoint, "account": tenant.account_id, "status": status}}
    )
    if status not in {"Creating", "Updating", "InService"}:
        raise DeploymentFailed(
            f"the endpoint {run.endpoint} is {status}: {reason or 'SageMaker gave no reason'}; see its log group "
            "in your account"
        )
    if status != "InService" and event["polls"] >= POLLS:
        raise DeploymentTimedOut(
            f"the endpoint {run.endpoint} is still {status}; see its log group in your account, and upload again"
        )
    return {"in_service": status == "InService"}
