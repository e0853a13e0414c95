"""Read the upload once: refuse what cannot be trained on, keep the profile, split training set and holdout."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws import registry, storage
from tenantml.aws.clients import platform
from tenantml.domain.inspection import InspectionSettings, inspect
from tenantml.domain.models import ModelSettings
from tenantml.domain.runs import Run
from tenantml.domain.uploads import Upload
from tenantml.entrypoint import state
from tenantml.settings import setting


@state
def handler(run: Run, event: dict[str, Any]) -> dict[str, Any]:
    """Return the staged training set, pinned, after one pass in bounded memory."""
    upload = Upload(**event["upload"])
    settings = ModelSettings.from_document(registry.require_execution(run.tenant, run.execution)["settings"])
    s3, bucket = platform("s3"), setting("STAGING_BUCKET")
    source = storage.StoredObject(upload.bucket, upload.key, upload.version_id, upload.etag, upload.size_bytes)
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
        storage.MultipartWriter(s3, bucket, f"{run.staging_folder}train.csv") as train,
        storage.MultipartWriter(s3, bucket, f"{run.staging_folder}holdout.csv") as holdout,
    ):
        found = inspect(storage.read(s3, source), rules, train, holdout)
        storage.put_json(s3, bucket, f"{run.staging_folder}profile.json", json.dumps(found.profile))
    rows = {"train": found.train_rows, "holdout": found.holdout_rows}
    registry.update_execution(run.tenant, run.execution, {"rows": rows, "advice": found.advice})
    return {"rows": rows, "train": train.require_stored().as_document()}
