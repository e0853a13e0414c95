"""Create the new version's endpoint in the customer's account, next to the one that is live."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl, endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.predictions import answers
from tenantml.domain.training import inference_containers
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.customer import assume
from tenantml.settings import setting


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoint's name; the registry knows the version before anything of it exists."""
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    tenant, job, name = registry.get_tenant(run.tenant), event["job"], event["candidate"]
    session = assume(tenant, run.execution, session_policies.train(tenant.account, job))
    chosen = next(
        found for found in automl.candidates(session.client("sagemaker"), job) if found["CandidateName"] == name
    )
    regression = event["problem_type"] == "Regression"
    keys = () if regression else answers.OUTPUT_KEYS
    version = {
        "execution": run.execution,
        "status": "deploying",
        "candidate": name,
        "problem_type": event["problem_type"],
        "objective": event["objective"],
        "endpoint": run.endpoint,
        "output_keys": list(keys),
        "serverless": settings.serverless_memory_mb is not None,
        "created_at": registry.now(),
        "profile": {"bucket": setting("STAGING_BUCKET"), "key": f"{run.staging_folder}profile.json"},
    }
    registry.put_version(run.tenant, run.model, run.version, version)
    client = assume(tenant, run.execution, session_policies.deploy(tenant.account, run.endpoint)).client("sagemaker")
    containers = inference_containers.prepare_containers(chosen["InferenceContainers"], keys)
    endpoints.create(client, tenant.account, run.endpoint, run.execution, containers, settings)
    registry.update_execution(
        run.tenant,
        run.execution,
        {"endpoint": {"name": run.endpoint, "account": tenant.account_id, "status": "Creating"}},
    )
    return {"endpoint": run.endpoint}
