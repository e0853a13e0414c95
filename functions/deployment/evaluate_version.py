"""Evaluate the new version on its holdout, through its endpoint, next to a naive baseline and the live version."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.drift import bins
from tenantml.domain.judging.gate import ALWAYS
from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.predictions.holdout import Holdout
from tenantml.domain.training import explanation
from tenantml.entrypoint import state
from tenantml.errors import CustomerThrottled, DeploymentFailed, RowError
from tenantml.services import evaluation, explanations, holdouts, registry
from tenantml.services.evaluation import Answered, NotCompared
from tenantml.services.run_context import RunContext
from tenantml.settings import setting
from tenantml_analysis.evaluation import EvaluationSettings, LiveAnswers, evaluate
from tenantml_analysis.evaluation.report import Latency
from tenantml_analysis.importance import NotScored, goodness, permutation_importance

ALL_SECONDS = 700  # of the function's 900: a last call may take a minute, and the bootstrap has been
LIVE_ATTEMPTS = 20  # half an hour: a live version that is silent for longer keeps nobody out that would answer
SHUFFLED_ROWS, SHUFFLED_SECONDS = 10_000, 120
"""How many rows an endpoint is asked at most to explain what Autopilot did not, and for how long."""


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return on how many rows it was evaluated; the evaluation is in the bucket, its summary on the version."""
    began, run, row = time.monotonic(), context.run, context.version
    profile = json.loads(objects.get_bytes(platform("s3"), **row["profile"]))
    version = Deployed.of_row(row, profile)
    held_out = evaluation.read_holdout(run, version)
    holdout = held_out.within(version.schema, version.most_bytes)
    answered = evaluation.ask(context, version, holdout)
    settings = EvaluationSettings(
        problem_type=row["problem_type"],
        objective=row["objective"]["name"],
        seed=run.execution,
        training_classes={label["value"]: label["rows"] for label in profile["target"]["classes"] or ()},
        cost_false_positive=context.version_settings.cost_false_positive,
        cost_false_negative=context.version_settings.cost_false_negative,
    )
    rival = evaluation.live_version(run)
    live = _answers(context, rival, holdout, version.schema.target, event["attempt"]) if rival else _paused(context)
    found = evaluate(holdout.truths, answered.predictions, settings, live)
    latency = Latency.of(answered.milliseconds, answered.rows_per_call)
    found = replace(found, latency=latency, rows_too_large=len(held_out.truths) - len(holdout.truths))
    objects.put_json(platform("s3"), setting("STAGING_BUCKET"), run.evaluation_key, json.dumps(found.as_document()))
    sample, score_bins = holdouts.sample(run), bins.of_answers(answered.predictions)
    noted = {
        "evaluation": found.summary(holdouts.count_looks(run, sample)).as_document(),
        "judged_against": rival,
        "holdout_sample": sample,
        "score_bins": score_bins and score_bins.as_document(),
    }
    registry.update_version(run.tenant, run.model, run.version, noted)
    seconds = min(SHUFFLED_SECONDS, ALL_SECONDS - (time.monotonic() - began))
    if row.get("importance", {}).get("source") is None and seconds > 0:
        explanations.keep_importance(context, _importance(context, version, holdout, answered, seconds))
    return {"rows": found.rows}


def _importance(
    context: RunContext, version: Deployed, holdout: Holdout, answered: Answered, seconds: float
) -> dict[str, Any]:
    """Return how much each column counts where Autopilot does not say, by shuffling it, as long as there is time."""
    names, until, caller = version.schema.names, time.monotonic() + seconds, evaluation.caller_of(context, version)

    def predict(rows: list[Sequence[str]]) -> Predictions:
        if time.monotonic() > until:
            raise CustomerThrottled("the endpoint is too slow to be asked about shuffled columns")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        return evaluation.ask(
            context, version, Holdout(columns, ("",) * len(rows), range(len(rows))), caller
        ).predictions

    def score(chosen: list[int], predictions: Predictions) -> float:
        return goodness([holdout.truths[place] for place in chosen], predictions)

    rows = list(zip(*(holdout.columns[name] for name in names), strict=True))
    budget = answered.rows_within(seconds, SHUFFLED_ROWS)
    try:
        return permutation_importance(names, rows, predict, score, budget)
    except (CustomerThrottled, DeploymentFailed, RowError, NotScored):  # a version can do without
        return explanation.nothing(explanation.NOT_SHUFFLED)


def _paused(context: RunContext) -> LiveAnswers | None:
    """Return that the version of a paused model cannot be asked; None when there is none."""
    paused = evaluation.paused_version(context.run)
    return LiveAnswers(paused, None, not_compared="the model is paused") if paused else None


def _answers(context: RunContext, live: str, holdout: Holdout, target: str, attempt: int) -> LiveAnswers:
    """Return what the live version answers, or why it does not; its answer is not waited for again and again, and by a
    version that goes live always not at all.
    """
    try:
        answered = evaluation.ask_live(context, live, holdout, target)
    except NotCompared as error:
        return LiveAnswers(live, None, not_compared=str(error))
    except CustomerThrottled:
        if context.version_settings.promote != ALWAYS and attempt < LIVE_ATTEMPTS:
            raise
        return LiveAnswers(live, None, not_compared="it does not answer now")
    seen = holdouts.seen(context.run, live)
    return LiveAnswers(live, answered.predictions, seen and [seen[number] for number in holdout.numbers])
