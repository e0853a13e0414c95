"""Remove the version that was live before, after its last requests are answered."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return what was removed in the customer's account."""
    run, version = context.run, event["version"]
    name = context.account.endpoint(run.model, version)
    client = context.customer(session_policies.deploy(context.account, name)).client("sagemaker")
    removed = endpoints.remove(client, name)
    registry.update_version(run.tenant, run.model, version, {"status": "retired"})
    return {"removed": removed}
