"""Deployments: a candidate of a kept training on its way to the version that answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from tenantml.aws import events, lambda_functions, stepfunctions
from tenantml.domain.judging.gate import ALWAYS
from tenantml.domain.names import CustomerAccount, is_execution, is_version, requested_version_name
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import execution_outcome
from tenantml.domain.training.deployment_request import DeploymentRequest, artefacts_gone, choose
from tenantml.domain.training.model_settings import OF_JUDGING, ON_REQUEST, ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import ExecutionStopped, ModelNotReady, ModelPaused, NeverLive, StillChanging
from tenantml.services import registry, spending
from tenantml.settings import setting

DEPLOY, RESUME, RETIRE = "deploy", "resume", "retire"
"""What the machine is to do: judge a candidate on its way, spare it that, or only remove what no longer answers."""
KNOWN_OF_CANDIDATE = ("plan", "evaluation", "score_bins", "verdict", "importance", "reports")
"""What holds of a version's candidate under whatever name it answers."""


def start(
    run: Run,
    account: CustomerAccount,
    candidate: str,
    left_behind: Sequence[str] = (),
    asked: dict[str, Any] | None = None,
) -> str:
    """Start the deployment of a candidate as the run's version, and return the name of its execution. Repeatable.

    The registry knows the version before anything of it exists. `asked` is what somebody asked for: the `settings`
    that this version has otherwise than the model, `returns_to` with `returned`, and the pause that it `resumes`, which
    spares it to be judged; `left_behind` is what the training could not remove.

    Raises:
        ArtefactsGone: the artefacts of its training were given up at the same time.
    """
    version = {
        "candidate": candidate,
        "endpoint": account.endpoint(run.model, run.version),
        "settings": {},
        "order": _order(run),
    }
    registry.request_version(run, version | (asked or {}))  # a training of it is given up no more; it may have been
    if registry.find_training(run.tenant, run.model, run.execution) is None:
        gone = artefacts_gone()
        failure = {"Error": type(gone).__name__, "Cause": str(gone)}
        registry.end_version(run, execution_outcome.of(failure, []) | {"status": "rolled back"})
        raise gone
    _start(run.deployment, run, candidate, RESUME if "resumes" in version | (asked or {}) else DEPLOY, left_behind)
    return run.deployment


def start_own(run: Run, account: CustomerAccount, candidate: str, left_behind: Sequence[str]) -> str:
    """Start the deployment of the version that an upload trained, as `start` does. Repeatable.

    Raises:
        ExecutionStopped: the upload has ended without it, and its training was redriven: its tenant was told so.
    """
    execution = registry.find_execution(run.tenant, run.execution) or {}
    if "ended_at" in execution and registry.find_version(run.tenant, run.model, run.version) is None:
        raise ExecutionStopped("the upload has ended already; deploy a candidate that is kept, or upload again")
    return start(run, account, candidate, left_behind)


def is_started(run: Run) -> bool:
    """Return whether the deployment of a run's version was started: then that says how the upload ended.

    Of one that starts in this moment it may say False. Whoever then records the end of the upload ends the version,
    too, and a version that has ended goes live no more.
    """
    known = registry.find_version(run.tenant, run.model, run.version)
    return known is not None and stepfunctions.is_started(setting("DEPLOYMENT_STATE_MACHINE"), run.deployment)


def _start(name: str, run: Run, candidate: str, task: str, left_behind: Sequence[str] = ()) -> None:
    document = {"run": run.as_document(), "candidate": candidate, "left_behind": list(left_behind), "task": task}
    stepfunctions.start(setting("DEPLOYMENT_STATE_MACHINE"), name, document)


def _order(run: Run) -> str:
    """Return what decides whether the version is newer than another: its upload, or when it was asked for."""
    execution = registry.find_execution(run.tenant, run.execution)
    if execution and execution.get("version") == run.version:
        return Upload(**execution["upload"]).order
    return registry.now()


def proposed_name() -> str:
    """Return a name for a version that somebody asks for now."""
    return requested_version_name(datetime.now(UTC), secrets.token_hex(16))


def request(
    tenant: Tenant, model: str, asked: DeploymentRequest, region: str, name: Callable[[], str] = proposed_name
) -> dict[str, Any] | None:
    """Start the deployment of the candidate that somebody asks for, and return the row of its version; None when the
    model has no such execution. Repeatable under the same name. `region` is the platform's.

    Raises:
        ArtefactsGone: the artefacts of its training are deleted.
        BudgetExceeded: the month's budget, of the tenant or the model, is used up, and this is no repeat.
        InvalidRequest: the training has no such candidate.
        InvalidSettings: the settings are not such that a version can have them in this tenant's account.
        NotFound: the model is gone.
        NotTrained: the execution has come to no candidate.
    """
    execution = registry.find_execution(tenant.tenant, asked.execution) if is_execution(asked.execution) else None
    if execution is None or execution.get("model") != model:
        return None
    is_kept = registry.find_training(tenant.tenant, model, asked.execution) is not None
    candidate = choose(asked, execution, is_kept=is_kept)
    judged_by = _judged_by(tenant.tenant, model)
    settings = ModelSettings.from_document(execution["settings"] | judged_by | asked.settings)
    settings.require_fit(tenant.account, region)
    run = Run(asked.execution, tenant.tenant, model, name())
    if registry.find_version(tenant.tenant, model, run.version) is None:
        spending.require_budget(tenant.tenant, model)
    start(run, tenant.account, candidate, asked={"settings": asked.settings, "judged_by": judged_by})
    return registry.find_version(tenant.tenant, model, run.version)


def pause(tenant: Tenant, model: str, by: str) -> None:
    """Let no version of a model answer, and begin to remove the endpoint of the one that did; all that it was made of
    stays. Repeatable.

    Raises:
        ModelNotReady: no version of it answers, nor did when it was paused.
        NotFound: the model is gone.
    """
    finish_pause(tenant, model, registry.pause(tenant.tenant, model, by))


def finish_pause(tenant: Tenant, model: str, paused: dict[str, Any]) -> None:
    """Begin to remove the endpoint of the version that answered when the model was paused, and tell of the pause.
    Repeatable.

    Raises:
        NotFound: the version is gone.
    """
    found = registry.get_version(tenant.tenant, model, paused["version"])
    run = Run(found["execution"], tenant.tenant, model, found["version"])
    _start(f"{run.deployment}_{paused['pause']}", run, found["candidate"], RETIRE)  # of at most 80 characters
    _tell(tenant.tenant, model)


def resume(tenant: Tenant, model: str, by: str) -> None:
    """End a model's pause: at once while the endpoint of the version that answered stands, else by making it anew, of
    the same candidate on the same plan, as a version of its own that is not judged again. Repeatable; a model that is
    not paused stays as it is.

    Raises:
        ArtefactsGone: the artefacts of its training are deleted.
        ModelNotReady: no version of it ever answered.
        NotFound: the model is gone.
    """
    row = registry.get_model(tenant.tenant, model)
    version = registry.paused_version(row)
    if version:
        return_to(tenant, model, version, by, resumes=row["paused"]["pause"])
    elif not row.get("live_version"):
        raise ModelNotReady("no version of the model ever answered, so there is nothing to resume")


def _tell(tenant: str, model: str) -> None:
    """Publish what was done to a model, by hand or because nobody called it, unless that is told already."""
    untold = registry.get_model(tenant, model).get("untold")
    if untold:
        detail = {name: value for name, value in untold.items() if name != "kind"}
        events.publish(untold["kind"], {"tenant": tenant, "model": model} | detail)
        registry.forget_untold(tenant, model, untold)


def resume_on_request(tenant: Tenant, model: str, pause: str) -> None:
    """End this pause of a model and no other, because somebody asked for a prediction and the model's settings say that
    this resumes it. That is nobody's word: what is uploaded or being deployed is promoted all the same. Repeatable.

    Raises:
        ArtefactsGone: the artefacts of its training are deleted.
        BudgetExceeded: the month's budget, of the tenant or the model, is used up.
        ModelPaused: it was tried, and the deployment failed; requests do not try again.
        NotFound: the model is gone.
    """
    row = registry.get_model(tenant.tenant, model)
    settings, paused = ModelSettings.from_document(row["settings"]), row.get("paused") or {}
    if settings.resume != ON_REQUEST or paused.get("pause") != pause or registry.resumed_as(row):
        return
    tried = registry.returned_as(tenant.tenant, model, paused["version"])
    version = registry.get_version(tenant.tenant, model, tried) if tried else {}
    if version.get("resumes") == pause and version.get("error"):
        raise ModelPaused(
            f"the model is paused, and resuming it failed (version {tried}); look at its error, then resume the model "
            'with PUT /models/{model}/state {"paused": false}'
        )
    spending.require_budget(tenant.tenant, model)
    return_to(tenant, model, paused["version"], ON_REQUEST, resumes=pause)


def _judged_by(tenant: str, model: str) -> dict[str, Any]:
    """Return the settings by which the model judges a version that somebody asks for now."""
    settings = registry.get_model(tenant, model).get("settings", {})
    return {name: settings[name] for name in OF_JUDGING if name in settings}


def return_to(tenant: Tenant, model: str, version: str, by: str, resumes: str | None = None) -> dict[str, Any] | None:
    """Let a version that was live answer again, and return its row; when its endpoint no longer stands, whoever removed
    it, start the deployment of the same candidate as a version of its own, and return the row of that; None when the
    model has no such version. `resumes` names the pause that this is to end, and no other. It is somebody's word,
    before which nothing is promoted that is older, unless `by` says that it is a request's. Repeatable.

    Raises:
        ArtefactsGone: its endpoint is gone, and the artefacts of its training are deleted.
        CustomerThrottled: AWS did not say whether its endpoint stands.
        NeverLive: it never answered.
    """
    name, is_word = tenant.tenant, by != ON_REQUEST
    found = registry.find_version(name, model, version) if is_version(version) else None
    if found is None:
        return None
    if "promoted_at" not in found:
        raise NeverLive("this version never answered; wait for its deployment, or deploy its candidate")
    for standing in filter(None, (version, registry.returned_as(name, model, version))):
        if not _is_deleted(name, model, standing) and registry.return_to(name, model, standing, by, is_word=is_word):
            _tell(name, model)
            return registry.find_version(name, model, standing) or found
    if registry.find_training(name, model, found["execution"]) is None:
        raise artefacts_gone()
    run = Run(found["execution"], name, model, registry.note_return(name, model, version, proposed_name()))
    by_hand = found["settings"] | {"promote": ALWAYS}
    asked = {"returns_to": version, "returned": {"at": registry.now(), "by": by}, "settings": by_hand}
    if resumes:
        known = {key: found[key] for key in KNOWN_OF_CANDIDATE if key in found}
        asked |= {"resumes": resumes, "evaluated_as": found.get("evaluated_as", version)} | known
    if not is_word:
        asked |= {"order": found["order"]}
    start(run, tenant.account, found["candidate"], asked=asked | {"judged_by": _judged_by(name, model)})
    return registry.find_version(name, model, run.version) or found


def _is_deleted(tenant: str, model: str, version: str) -> bool:
    """Return whether the endpoint of a version that is live or on standby is not in the customer's account any more;
    nobody comes back to such a version.
    """
    if not (registry.is_live(tenant, model, version) or registry.stands_by(tenant, model, version, consistent=True)):
        return False
    asked = {"tenant": tenant, "model": model, "version": version}
    if lambda_functions.invoke(setting("CONFIRM_ENDPOINT_FUNCTION"), asked)["stands"]:
        return False
    with suppress(StillChanging):  # it is being retired by another
        registry.begin_retirement(tenant, model, version, drained_from=registry.now())
    return True
