"""Create the new version's endpoint in the customer's account, next to the one that is live."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.predictions import answers
from tenantml.domain.training import inference_containers
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.run_context import RunContext
from tenantml.settings import setting


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoint's name; the registry knows the version before anything of it exists."""
    run, account, job, name = context.run, context.account, event["job"], event["candidate"]
    client = context.customer(session_policies.train(account, job)).client("sagemaker")
    candidate = next(row for row in automl.candidates(client, job) if row["CandidateName"] == name)
    regression = event["problem_type"] == "Regression"
    keys = () if regression else answers.OUTPUT_KEYS
    version = {
        "execution": run.execution,
        "status": "deploying",
        "candidate": name,
        "problem_type": event["problem_type"],
        "objective": event["objective"],
        "endpoint": context.endpoint,
        "output_keys": list(keys),
        "serverless": context.settings.serverless_memory_mb is not None,
        "created_at": registry.now(),
        "profile": {"bucket": setting("STAGING_BUCKET"), "key": f"{run.staging_folder}profile.json"},
    }
    registry.put_version(run.tenant, run.model, run.version, version)
    client = context.customer(session_policies.deploy(account, context.endpoint)).client("sagemaker")
    containers = inference_containers.prepare_containers(candidate["InferenceContainers"], keys)
    endpoints.create(client, account, context.endpoint, run.execution, containers, context.settings)
    context.note(endpoint={"name": context.endpoint, "account": account.account_id, "status": "Creating"})
    return {"endpoint": context.endpoint}
