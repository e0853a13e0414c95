"""Start the batch transform, with a model of the batch's own."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl, transform_jobs
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job, candidates, endpoint_plan, inference_containers
from tenantml.entrypoint import state
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the job's name and the wait until the first poll; a repeat adopts the running job."""
    run, account, job, version = context.run, context.account, context.job, context.version
    trained = account.job(version["execution"])
    client = context.customer(session_policies.list_candidates()).client("sagemaker")
    candidate = candidates.named(automl.candidates(client, trained), version["candidate"])
    containers = inference_containers.prepare_containers(candidate["InferenceContainers"], version["output_keys"])
    containers = endpoint_plan.with_workers(containers, version["plan"]["workers"])
    instance_type = endpoint_plan.transform_type(version["plan"], account.instance_types)
    context.note(transform={"job_name": job, "instance_type": instance_type})
    client = context.customer(session_policies.transform(account, job)).client("sagemaker")
    isolated = context.settings.network_isolation
    transform_jobs.start(
        client, account, job, run.execution, containers, instance_type, run.customer_folder, isolated=isolated
    )
    return {"wait_seconds": automl_job.FIRST_WAIT_SECONDS, "waited_seconds": 0}
