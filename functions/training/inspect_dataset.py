"""Read the upload once: refuse what cannot be trained on, keep the profile, split training set and holdout."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import state
from tenantml.services.run_context import RunContext
from tenantml.settings import setting
from tenantml_analysis.inspection import InspectionSettings, inspect


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return the staged training set, pinned, after one pass in bounded memory."""
    upload, settings, folder = Upload(**event["upload"]), context.settings, context.run.staging_folder
    s3, bucket = platform("s3"), setting("STAGING_BUCKET")
    source = objects.StoredObject(upload.bucket, upload.key, upload.version_id, upload.etag, upload.size_bytes)
    thresholds: dict[str, Any] = settings.advice_thresholds
    rules = InspectionSettings(
        target=settings.target,
        seed=context.run.execution,
        problem_type=settings.problem_type,
        holdout_fraction=settings.holdout_fraction,
        holdout_rows_max=settings.holdout_rows_max,
        fatal_advice=frozenset(settings.fatal_advice),
        **thresholds,
    )
    with (
        objects.MultipartWriter(s3, bucket, f"{folder}train.csv") as train,
        objects.MultipartWriter(s3, bucket, f"{folder}holdout.csv") as holdout,
    ):
        inspection = inspect(objects.read(s3, source), rules, train, holdout)
        objects.put_json(s3, bucket, f"{folder}profile.json", json.dumps(inspection.profile))
    rows = {"train": inspection.train_rows, "holdout": inspection.holdout_rows}
    context.note(rows=rows, advice=inspection.advice)
    return {"rows": rows, "train": train.require_stored().as_document()}
