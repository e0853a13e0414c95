"""Create the new version's endpoint in the customer's account, next to the one that is live."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.predictions import answers
from tenantml.domain.training import candidates, endpoint_plan, inference_containers
from tenantml.entrypoint import state
from tenantml.services import registry, sizing, spending
from tenantml.services.run_context import RunContext
from tenantml.settings import setting


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoint's name."""
    context.require_requested(event["candidate"])
    run, account = context.run, context.account
    client = context.customer(session_policies.train(account, context.job)).client("sagemaker")
    candidate = candidates.named(automl.candidates(client, context.job), event["candidate"])
    problem_type = context.training["problem_type"]
    keys = () if problem_type == "Regression" else answers.OUTPUT_KEYS
    plan = sizing.require_plan(context)
    version = {
        "status": "deploying",
        "problem_type": problem_type,
        "objective": candidates.objective(candidate),
        "validated": candidates.metrics(candidate),
        "output_keys": list(keys),
        "serverless": plan.serverless_memory_mb is not None,
        "profile": {"bucket": setting("STAGING_BUCKET"), "key": f"{run.staging_folder}profile.json"},
    }
    registry.update_version(run.tenant, run.model, run.version, version)
    client = context.customer(session_policies.deploy(account, context.endpoint)).client("sagemaker")
    containers = inference_containers.prepare_containers(candidate["InferenceContainers"], keys)
    containers = endpoint_plan.with_workers(containers, plan.workers)
    isolated = context.version_settings.network_isolation
    endpoints.create(client, account, context.endpoint, run.execution, containers, plan, isolated=isolated)
    spending.open_endpoint(run, plan, account.region)
    context.note_endpoint("Creating")
    return {"endpoint": context.endpoint}
