"""Read the upload once: refuse what cannot be trained on, keep the profile, split training set and holdout."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import state
from tenantml.services import registry
from tenantml.settings import setting
from tenantml_analysis.inspection import InspectionSettings, inspect


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the staged training set, pinned, after one pass in bounded memory."""
    upload = Upload(**event["upload"])
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    s3, bucket = platform("s3"), setting("STAGING_BUCKET")
    source = objects.StoredObject(upload.bucket, upload.key, upload.version_id, upload.etag, upload.size_bytes)
    thresholds: dict[str, Any] = settings.advice_thresholds
    rules = InspectionSettings(
        target=settings.target,
        seed=run.execution,
        problem_type=settings.problem_type,
        holdout_fraction=settings.holdout_fraction,
        holdout_rows_max=settings.holdout_rows_max,
        fatal_advice=frozenset(settings.fatal_advice),
        **thresholds,
    )
    with (
        objects.MultipartWriter(s3, bucket, f"{run.staging_folder}train.csv") as train,
        objects.MultipartWriter(s3, bucket, f"{run.staging_folder}holdout.csv") as holdout,
    ):
        found = inspect(objects.read(s3, source), rules, train, holdout)
        objects.put_json(s3, bucket, f"{run.staging_folder}profile.json", json.dumps(found.profile))
    rows = {"train": found.train_rows, "holdout": found.holdout_rows}
    registry.update_execution(run.tenant, run.execution, {"rows": rows, "advice": found.advice})
    return {"rows": rows, "train": train.require_stored().as_document()}
