"""Choose the candidate that will answer: the best by the objective, if it meets the model's thresholds."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job, candidates
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.services.customer import assume


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the candidate's name, and the leaderboard as the tenant sees it."""
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    tenant, job = registry.get_tenant(run.tenant), event["job"]
    client = assume(tenant, run.execution, session_policies.train(tenant.account, job)).client("sagemaker")
    found, all_candidates = automl.describe(client, job), automl.candidates(client, job)
    chosen = candidates.select(all_candidates, settings.thresholds)
    summary = automl_job.progress(found, all_candidates) | {
        "candidate": chosen["CandidateName"],
        "objective": candidates.objective(chosen),
    }
    registry.update_execution(run.tenant, run.execution, {"training": summary})
    return {
        "candidate": chosen["CandidateName"],
        "problem_type": summary["problem_type"],
        "objective": summary["objective"],
    }
