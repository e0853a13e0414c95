"""Read the upload once: refuse what cannot be trained on, keep the profile, split training set and holdout."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.entrypoint import state
from tenantml.services import holdouts, registry
from tenantml.services.run_context import RunContext
from tenantml.settings import setting
from tenantml_analysis.inspection import InspectionSettings, inspect
from tenantml_analysis.inspection.advice import bounded, refuse_fatal, schema_changes


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the staged training set, pinned, after one pass in bounded memory."""
    upload, settings, folder = context.upload(event["upload"]), context.settings, context.run.staging_folder
    s3, bucket = platform("s3"), setting("STAGING_BUCKET")
    source = objects.StoredObject(upload.bucket, upload.key, upload.version_id, upload.etag, upload.size_bytes)
    thresholds: dict[str, Any] = settings.advice_thresholds
    rules = InspectionSettings(
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
    with (
        objects.MultipartWriter(s3, bucket, f"{folder}train.csv") as train,
        objects.MultipartWriter(s3, bucket, f"{folder}holdout.csv") as holdout,
    ):
        inspection = inspect(objects.read(s3, source), rules, train, holdout)
        live = _live_profile(context)
        advice = inspection.advice + bounded(schema_changes(inspection.profile, live) if live else [])
        rows = {"train": inspection.train_rows, "holdout": inspection.holdout_rows}
        context.note(rows=rows, advice=advice)
        refuse_fatal(advice, settings.fatal_advice)
        objects.put_json(s3, bucket, f"{folder}profile.json", json.dumps(inspection.profile))
        holdouts.keep(context.run, rules.rule, inspection.rule, inspection.holdout_hashes)
    return {"rows": rows, "train": train.require_stored().as_document()}


def _live_profile(context: RunContext) -> dict[str, Any] | None:
    """Return the profile of the version that answers now, or None when there is none."""
    tenant, model = context.run.tenant, context.run.model
    row = registry.find_model(tenant, model) or {}
    live = row.get("live_version")
    version = registry.find_version(tenant, model, live) if live else None
    stored = objects.find_bytes(platform("s3"), **version["profile"]) if version else None
    profile: dict[str, Any] | None = json.loads(stored) if stored else None
    return profile
