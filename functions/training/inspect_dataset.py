"""Read the upload once: refuse what cannot be trained on, keep the profile, split training set and holdout.

One function reads for `INSPECTION_SECONDS`. Of a larger file it leaves a checkpoint, with which the state goes on, as
often as the file needs: the outcome is that of one pass.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.entrypoint import state
from tenantml.services import holdouts, registry
from tenantml.services.run_context import RunContext
from tenantml.settings import setting
from tenantml_analysis.inspection import Inspection, InspectionSettings, Inspector, checkpoint
from tenantml_analysis.inspection.advice import bounded, refuse_fatal, schema_changes, thresholds_not_measured

Part = objects.MultipartWriter


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the staged training set, pinned, or the checkpoint to go on with; in bounded memory."""
    enough = _after(float(setting("INSPECTION_SECONDS")))
    begun = _checkpoint(context, event["checkpoint"]) if event["checkpoint"] else {}
    with (
        _part(context, "train.csv", begun.get("train")) as train,
        _part(context, "holdout.csv", begun.get("holdout")) as holdout,
    ):
        inspector = _inspector(context, event["upload"], begun.get("inspector"), train, holdout)
        if not inspector.read(enough):
            found = {"inspector": inspector, "train": train.pause(), "holdout": holdout.pause()}
            stored = objects.put(platform("s3"), setting("STAGING_BUCKET"), _key(context), checkpoint.dumps(found))
            return {"over": False, "checkpoint": stored.as_document(), "rows": None, "train": None}
        inspection = inspector.conclude()
        _judge(context, inspection)
    _keep(context, inspector.settings, inspection)
    rows = {"train": inspection.train_rows, "holdout": inspection.holdout_rows}
    return {"over": True, "checkpoint": None, "rows": rows, "train": train.require_stored().as_document()}


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _part(context: RunContext, name: str, paused: dict[str, Any] | None) -> Part:
    return Part(platform("s3"), setting("STAGING_BUCKET"), f"{context.run.staging_folder}{name}", paused)


def _key(context: RunContext) -> str:
    """The checkpoint's key: what removes the training set removes it, too."""
    return f"{context.run.staging_folder}train.csv.checkpoint"


def _checkpoint(context: RunContext, document: dict[str, Any]) -> dict[str, Any]:
    stored = objects.StoredObject(**document)
    if (stored.bucket, stored.key) != (setting("STAGING_BUCKET"), _key(context)):
        raise ValueError("the checkpoint is not this run's")
    found: dict[str, Any] = checkpoint.loads(b"".join(objects.read(platform("s3"), stored)))
    return found


def _inspector(
    context: RunContext, document: dict[str, Any], begun: Inspector | None, train: Part, holdout: Part
) -> Inspector:
    """Return the pass over the upload, begun or to be gone on with."""
    upload, s3 = context.upload(document), platform("s3")
    source = objects.StoredObject(upload.bucket, upload.key, upload.version_id, upload.etag, upload.size_bytes)
    if begun is None:
        return Inspector(objects.read(s3, source), _rules(context), train, holdout)
    rest = objects.read(s3, source, begun.position) if begun.position < source.size_bytes else ()
    begun.resume(rest, train, holdout)
    return begun


def _rules(context: RunContext) -> InspectionSettings:
    settings = context.settings
    thresholds: dict[str, Any] = settings.advice_thresholds
    return InspectionSettings(
        target=settings.target,
        salt=registry.holdout_salt(context.run.tenant, context.run.model),
        rule=holdouts.rule_before(context.run),
        entity_column=settings.entity_column,
        problem_type=settings.problem_type,
        holdout_fraction=settings.holdout_fraction,
        holdout_rows_max=settings.holdout_rows_max,
        ignore_columns=tuple(settings.ignore_columns),
        **thresholds,
    )


def _judge(context: RunContext, inspection: Inspection) -> None:
    """Write down the advice, and refuse what the model's settings make fatal."""
    live = _live_profile(context)
    found = thresholds_not_measured(inspection.profile, context.settings.thresholds)
    found += schema_changes(inspection.profile, live) if live else []
    advice = inspection.advice + bounded(found)
    context.note(rows={"train": inspection.train_rows, "holdout": inspection.holdout_rows}, advice=advice)
    refuse_fatal(advice, context.settings.fatal_advice)


def _keep(context: RunContext, rules: InspectionSettings, inspection: Inspection) -> None:
    """Store the profile, and the rule and hashes of the holdout."""
    where = platform("s3"), setting("STAGING_BUCKET"), f"{context.run.staging_folder}profile.json"
    objects.put_json(*where, json.dumps(inspection.profile))
    holdouts.keep(context.run, rules.rule, inspection.rule, inspection.holdout_hashes)


def _live_profile(context: RunContext) -> dict[str, Any] | None:
    """Return the profile of the version that answers now, or None when there is none."""
    tenant, model = context.run.tenant, context.run.model
    row = registry.find_model(tenant, model) or {}
    live = row.get("live_version")
    version = registry.find_version(tenant, model, live) if live else None
    stored = objects.find_bytes(platform("s3"), **version["profile"]) if version else None
    profile: dict[str, Any] | None = json.loads(stored) if stored else None
    return profile
