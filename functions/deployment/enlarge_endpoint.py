"""Remove an endpoint whose container did not come up, so that the version can be tried on a larger instance."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Write what the version is served on instead, once the names of its endpoint are free; return the plan."""
    run = context.run
    client = context.customer(session_policies.deploy(context.account, context.endpoint)).client("sagemaker")
    endpoints.replace(client, context.endpoint)
    registry.update_version(run.tenant, run.model, run.version, {"plan": event["plan"]})
    return {"plan": event["plan"]}
