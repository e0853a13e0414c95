"""Training and deployment.

The job ran, or could have. A training that came to candidates is kept, and any of them can be deployed; of what came to
nothing everything is removed, and what could not be removed is listed in `left_behind`. The tenant is notified in the
`error` of the execution or of the version, and on the event bus.
"""

from __future__ import annotations

from tenantml.errors.base import CLOUD_TEAM, NOBODY, TENANT, TenantMLError


class TrainingError(TenantMLError):
    """The job ran without a usable model."""


class TrainingFailed(TrainingError):
    """Autopilot ended the job in Failed. The message carries its reason."""

    turn = CLOUD_TEAM
    do = (
        "Fix what the reason says; the tenant then uploads again. The job's record and its logs stay in the customer's "
        "account."
    )


class TrainingStopped(TrainingError):
    """The job was stopped in the customer's account."""

    turn = CLOUD_TEAM
    do = "Find who stopped it; the tenant then uploads again."


class TrainingTimedOut(TrainingError):
    """The job outlived the model's `max_runtime_seconds` by an hour, and was stopped."""

    do = "Ask the tenant to raise `max_runtime_seconds`, or to upload fewer rows."


class TurnTimedOut(TrainingError):
    """With `newer_upload` set to `queue`, the upload waited a day for another one's training. Nothing was spent."""

    turn = TENANT
    do = (
        "Upload again when the older training is over, let it end earlier with `max_runtime_seconds`, or set "
        "`newer_upload` to `stop-older`."
    )


class NoCandidate(TrainingError):
    """The job completed without a candidate that can be deployed (the runtime cap was reached first), or with one whose
    containers cannot answer.
    """

    do = "Ask the tenant to raise `max_runtime_seconds` or `max_candidates`."


class BelowQualityBar(TrainingError):
    """The version does not reach the model's `thresholds` on the holdout; where that is too small, by Autopilot's own
    validation. The message states the values.
    """

    turn = TENANT
    do = (
        "Train on more or better rows, or change the thresholds. The live version stays live; the new one can be "
        "promoted by hand."
    )


class BelowBaseline(TrainingError):
    """On the holdout, the version is no better than always giving the same answer. The message states both values."""

    turn = TENANT
    do = (
        "Add columns that tell the rows apart, choose another objective, or set `beats_baseline` to false. The live "
        "version stays live; the new one can be promoted by hand."
    )


class DidNotBeatLive(TrainingError):
    """On the same rows of the holdout, the version may be worse than the live one by more than the `margin`, gains less
    than `min_gain`, or could not be compared. The message states the values and the rows.
    """

    turn = TENANT
    do = (
        "Train on more or newer rows, or change `margin`, `min_gain`, `promote` or `undecided`. The live version stays "
        "live; the new one can be promoted by hand."
    )


class ApprovalRefused(TrainingError):
    """Somebody refused the version that awaited an approval. Who, when and why is in its `approval`: the reason is the
    tenant's own text, so neither messages nor logs repeat it.
    """

    turn = TENANT
    do = (
        "Nothing, or upload again with what was missing. The live version stays live; the refused one can be promoted "
        "by hand."
    )


class ApprovalTimedOut(TrainingError):
    """Nobody approved or refused the version within the model's `approval_hours`, so its endpoint is removed."""

    turn = TENANT
    do = (
        "Deploy the candidate again with `POST /models/MODEL/versions` and decide in time, or raise `approval_hours`. "
        "The live version stays live."
    )


class LiveVersionChanged(TrainingError):
    """Another version went live while this one was being judged. It is evaluated again, next to that one."""

    turn = NOBODY
    do = "Nothing: the deployment goes on by itself."


class RolledBack(TrainingError):
    """The version went live and failed more than the one before, which answers again. The message states how many calls
    of its endpoint failed, and how many of the one before.
    """

    turn = CLOUD_TEAM
    do = (
        "Check the endpoint's log group in the customer's account; out of memory asks for a larger `instance_type`. "
        "The training is kept: the tenant deploys the candidate again, or another one."
    )


class NotRolledBack(TrainingError):
    """The version went live and fails more than the one before, whose endpoint no longer stands, as it was retired or
    the customer deleted it: so it still answers. The message states how many calls of its endpoint failed, and how many
    of the one before.
    """

    turn = CLOUD_TEAM
    do = (
        "Return to a version that is kept (`PUT /models/MODEL/live-version` makes its endpoint anew), and check the "
        "endpoint's log group in the customer's account."
    )


class ServerlessNotPossible(TrainingError):
    """The settings ask for a serverless endpoint, and SageMaker has none for this version: it has more than one
    container, or larger artefacts than a serverless endpoint has memory for, or runs in a VPC or in network isolation.
    Nothing was created.
    """

    turn = TENANT
    do = (
        "Deploy the candidate again with `POST /models/MODEL/versions` and another `endpoint`, such as `real-time`; "
        "for later versions set the model's `endpoint` to `auto` or `real-time`. The training is kept."
    )


class ScalingRefused(TrainingError):
    """AWS does not let the endpoint scale: the customer's template is older than the statement `ScaleEndpoints`, or the
    instance type cannot scale. The message carries AWS's reason.
    """

    turn = CLOUD_TEAM
    do = (
        "Apply the current on-boarding template in the customer's account. The tenant then deploys the candidate "
        "again, or without `max_instances`; the training is kept."
    )


class DeploymentFailed(TrainingError):
    """The endpoint did not come into service, or does not answer the rows of the holdout. The message carries the
    reason.
    """

    turn = CLOUD_TEAM
    do = (
        "Check the endpoint's log group in the customer's account; most often no instance of the type was available. "
        "The tenant then deploys the candidate again; the training is kept. A container that did not come up on the "
        "instance that the deployment chose was tried on larger ones: `plan` of the version says on which; one whose "
        "`instance_type` was given is tried there alone, so name a larger one, or none."
    )


class DeploymentTimedOut(TrainingError):
    """The endpoint was not in service within an hour."""

    turn = CLOUD_TEAM
    do = "Check its log group in the customer's account; the tenant then deploys the candidate again."
