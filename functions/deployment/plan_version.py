"""Decide on what the version is served, before anything of it is created, and say why."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import candidates
from tenantml.entrypoint import state
from tenantml.services import registry, sizing
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the plan, which the version keeps; a repeat keeps the one that it has."""
    context.require_requested(event["candidate"])
    run = context.run
    client = context.customer(session_policies.list_candidates()).client("sagemaker")
    candidate = candidates.named(automl.candidates(client, context.job), event["candidate"])
    plan = sizing.plan(context, candidate["InferenceContainers"]).as_document()
    registry.update_version(run.tenant, run.model, run.version, {"plan": plan})
    return {"plan": plan}
