"""Evaluation: the rows of a holdout, and what a version's endpoint answers to them, asked as the predict path asks.

What AWS does not do now is tried again by the state; what the live version will never do is a reason in words.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from tenantml.aws import sagemaker_runtime
from tenantml.aws.clients import Caller, platform
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.names import PREDICTION
from tenantml.domain.predictions import asking, holdout
from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.predictions.holdout import Holdout
from tenantml.domain.training import endpoint_rules
from tenantml.domain.training.run import Run
from tenantml.errors import (
    AnswerTimedOut,
    CustomerThrottled,
    DeploymentFailed,
    EndpointGone,
    EndpointUnavailable,
    RowError,
    UnreadableAnswer,
    WrongPredictionCount,
)
from tenantml.services import registry
from tenantml.services.run_context import RunContext
from tenantml.settings import setting

ROWS_PER_CALL, ROWS_PER_CALL_MIN = 500, 25
"""A slow model answers so many rows within the time that a call has; of one that does not, fewer are asked at once."""


@dataclass(frozen=True)
class Answered:
    """What an endpoint answered, how many rows it was asked at once at most, and the milliseconds of each call."""

    predictions: Predictions
    rows_per_call: int
    milliseconds: list[float]

    def rows_within(self, seconds: float, most: int) -> int:
        """Return how many rows the endpoint answers in this time, as fast as it has answered, and `most` at most."""
        per_row = sum(self.milliseconds) / 1000 / max(1, len(self.predictions.lines))
        return most if per_row * most <= seconds else int(seconds / per_row)


class NotCompared(Exception):
    """The live version cannot be asked about these rows: why, in words."""


def find_profile(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return the profile that a version's row names, None when there is none any more."""
    stored = objects.find_bytes(platform("s3"), **row["profile"]) if "profile" in row else None
    profile: dict[str, Any] | None = json.loads(stored) if stored else None
    return profile


def read_holdout(run: Run, version: Deployed) -> Holdout:
    """Return the rows that were held out of the run's training."""
    body = objects.get_bytes(platform("s3"), setting("STAGING_BUCKET"), f"{run.staging_folder}holdout.csv")
    return holdout.read(body, version.schema.target, len(version.classes))


def caller_of(context: RunContext, version: Deployed) -> Caller:
    """Return who may ask this version's endpoint and nothing else.

    Raises:
        CustomerAccessRevoked: the account no longer lets us in.
        CustomerThrottled: STS throttled the request or did not answer.
    """
    return context.customer(session_policies.predict(context.account, version.endpoint), PREDICTION).caller("sagemaker")


def ask(context: RunContext, version: Deployed, rows: Holdout, caller: Caller | None = None) -> Answered:
    """Return what the run's version answers to the rows of its holdout.

    Raises:
        DeploymentFailed: it is gone, or cannot answer rows of the file that it was trained from.
        CustomerThrottled: it does not answer now.
    """
    try:
        return _ask(context, version, rows, caller)
    except EndpointGone as error:
        raise DeploymentFailed(
            f"the endpoint {version.endpoint} is not in the account any more; deploy the candidate again"
        ) from error
    except (UnreadableAnswer, WrongPredictionCount) as error:
        raise DeploymentFailed(
            f"the endpoint {version.endpoint} cannot answer the rows that were held out: {error}"
        ) from error


def live_version(run: Run) -> str | None:
    """Return the version that the run's version would replace, None for the first."""
    live: str | None = (registry.find_model(run.tenant, run.model) or {}).get("live_version")
    return None if live == run.version else live


def paused_version(run: Run) -> str | None:
    """Return the version that answered when the model was paused, None when it is not paused."""
    return registry.paused_version(registry.find_model(run.tenant, run.model) or {})


def ask_live(context: RunContext, live: str, rows: Holdout, target: str) -> Answered:
    """Return what the live version answers to the same rows, which it finds by the names of its columns.

    Raises:
        NotCompared: it cannot be asked about these rows.
        CustomerThrottled: it does not answer now.
    """
    row = registry.find_version(context.run.tenant, context.run.model, live) or {}
    if endpoint_rules.answers_batches_only(row):
        raise NotCompared("it answers batches alone, and has no endpoint")
    profile = find_profile(row)
    if profile is None:
        raise NotCompared("what it was trained with is not known any more")
    version = Deployed.of_row(row, profile)
    if version.schema.target != target:
        raise NotCompared(f"it predicts the column {version.schema.target!r}")
    if missing := [name for name in version.schema.names if name not in rows.columns]:
        raise NotCompared(f"it needs the column {missing[0]!r}, which the new file does not have")
    try:
        return _ask(context, version, rows)
    except EndpointGone as error:
        raise NotCompared("its endpoint is gone") from error
    except (RowError, UnreadableAnswer, WrongPredictionCount) as error:
        raise NotCompared(f"it cannot answer these rows ({error})") from error


def _ask(context: RunContext, version: Deployed, rows: Holdout, caller: Caller | None = None) -> Answered:
    if not rows.truths:
        return Answered(Predictions(version.classes, [], []), 0, [])
    asks, region = caller or caller_of(context, version), context.tenant.region
    lines, rows_per_call = rows.lines(version.schema), min(ROWS_PER_CALL, len(rows.truths))
    milliseconds: list[float] = []

    def invoke(body: bytes) -> bytes:
        began = time.perf_counter()
        answer = sagemaker_runtime.invoke_endpoint(region, asks, version.endpoint, body)
        milliseconds.append((time.perf_counter() - began) * 1000)
        return answer

    while True:
        milliseconds.clear()
        try:
            return Answered(asking.ask(version, lines, invoke, rows_per_call), rows_per_call, milliseconds)
        except AnswerTimedOut as error:
            if rows_per_call <= ROWS_PER_CALL_MIN:
                raise CustomerThrottled(f"the endpoint {version.endpoint} did not answer in time") from error
            rows_per_call = max(ROWS_PER_CALL_MIN, rows_per_call // 2)
        except EndpointUnavailable as error:
            raise CustomerThrottled(f"the endpoint {version.endpoint} does not answer now") from error
