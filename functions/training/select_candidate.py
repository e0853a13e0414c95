"""Choose the candidate to deploy: the best by the objective. From here on the training is kept."""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.training import automl_job, candidates
from tenantml.entrypoint import state
from tenantml.services import explanations, registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the candidate's name, and note the leaderboard as the tenant sees it."""
    job = event["job"]
    client = context.customer(session_policies.train(context.account, job)).client("sagemaker")
    description, all_candidates = automl.describe(client, job), automl.candidates(client, job)
    favourite = (description.get("BestCandidate") or {}).get("CandidateName", "")
    deployable = candidates.deployable(all_candidates)
    registry.keep_training(context.run, explanations.keep_candidates(context, all_candidates, favourite))
    best = candidates.select(deployable, favourite)
    chosen = {"candidate": best["CandidateName"], "objective": candidates.objective(best)}
    summary = automl_job.progress(description, all_candidates) | chosen
    context.note(training=summary)
    context.advise(automl_job.advice(description))
    return {"candidate": chosen["candidate"]}
