"""Decide whose upload this is and whether it may be trained from, before anything of it is read."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import presigned
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Destination, Upload, check_size, destination_of
from tenantml.entrypoint import function, logger
from tenantml.errors import UnknownModel, UnknownTenant, UploadSuperseded, WrongUploadKey
from tenantml.services import registry, spending
from tenantml.services.registry import uploads
from tenantml.settings import setting


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the run of this upload, and how its dataset will be delivered."""
    upload = Upload(**event["upload"])
    if upload.bucket != setting("INGEST_BUCKET"):
        raise WrongUploadKey(f"the bucket {upload.bucket!r} does not accept uploads; use the presigned form")
    destination = destination_of(upload.key)
    tenant = registry.find_tenant(destination.tenant)
    if tenant is None or tenant.status != ACTIVE:
        raise UnknownTenant(
            f"no active tenant has the prefix {destination.tenant}/; check the prefix, or ask the operator about "
            "your status"
        )
    settings = _settings_of(destination)
    check_size(upload.size_bytes, settings.max_upload_bytes)
    run = Run.of(upload, destination)
    logger.append_keys(execution=run.execution, tenant=run.tenant, model=run.model)
    registry.add_execution(
        run.tenant,
        run.execution,
        {
            **run.as_document(),
            "upload": event["upload"],
            "settings": settings.as_document(),
            "state": event["state"],
            "quote": spending.quote(settings, tenant.account),
        },
    )
    brought_by = presigned.upload_behind(upload.bucket, upload.key, upload.version_id)
    if brought_by:
        uploads.claim(run.tenant, brought_by, run.model, upload.key, upload.version_id, run.execution)
    spending.admit(run, settings, tenant.account)
    if not registry.note_newest_upload(run.tenant, run.model, upload.order):
        _settings_of(destination)  # it may have been removed meanwhile
        raise UploadSuperseded("a newer upload of this model came before this one was checked, and is used instead")
    our_region = platform("s3").meta.region_name
    return {"run": run.as_document(), "delivery": settings.delivery_to(tenant.region, our_region)}


def _settings_of(destination: Destination) -> ModelSettings:
    model = registry.find_model(destination.tenant, destination.model)
    if model is None or "settings" not in model:
        raise UnknownModel(
            f"the model {destination.model!r} is not configured; PUT /models/{destination.model} with its target, "
            "then upload again"
        )
    return ModelSettings.from_document(model["settings"])
