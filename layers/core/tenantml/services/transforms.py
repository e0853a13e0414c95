"""Batches: from a file of rows to predictions of each, by a batch transform in the customer's account.

A batch has a SageMaker model of its own, made of the version's candidate: so it needs no endpoint, and no retirement of
a version takes its model away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects, presigned
from tenantml.aws.s3.objects import StoredObject
from tenantml.aws.sagemaker import endpoints, transform_jobs
from tenantml.domain.access import session_policies
from tenantml.domain.names import CustomerAccount
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.predictions.batch import Batch, check_size, result_key
from tenantml.domain.pricing import costs, quotes
from tenantml.domain.pricing.prices import usd
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import (
    ArtefactsGone,
    CustomerAccountError,
    ModelNotReady,
    StillChanging,
    UnknownModel,
    UnknownTenant,
    WrongUploadKey,
)
from tenantml.services import registry, spending
from tenantml.services.customer import assume
from tenantml.services.evaluation import find_profile
from tenantml.services.registry import uploads
from tenantml.services.removal import Removal
from tenantml.services.run_context import RunContext
from tenantml.settings import setting

Row = dict[str, Any]

PURPOSE = "tenantml-results"


def version_for(tenant: str, model: Row, asked: str | None) -> Row | None:
    """Return the row of the version that a batch of a model is predicted by: the one that is asked for, else the live
    one, or the one that was live when the model was paused; None when there is no such version.

    Raises:
        ModelNotReady: no version is live, or the one asked for was never deployed.
        ArtefactsGone: the artefacts of its training are deleted.
    """
    name = asked or registry.version_to_predict(model)
    if not name:
        raise ModelNotReady("the model has no live version yet; GET /executions shows how its training goes")
    row = registry.find_version(tenant, model["model"], name)
    if row is None:
        return None
    if "profile" not in row:
        raise ModelNotReady("the version is not deployed yet, so its columns are not known")
    _require_artefacts(tenant, row)
    return row


def _require_artefacts(tenant: str, version: Row | None) -> None:
    if version is None or registry.find_training(tenant, version["model"], version["execution"]) is None:
        raise ArtefactsGone("the artefacts of the version are deleted; name another version, or upload again to train")


def begin(upload: Upload, state: str) -> Run:
    """Return the run of the batch that a file came for, and make it visible. Repeatable.

    Raises:
        WrongUploadKey: nobody asked for a batch of this name.
        UnknownTenant: the tenant is not active.
        UnknownModel: the model was removed since.
        ArtefactsGone: the artefacts of its version's training were deleted since.
        UploadTooLarge: the file is larger than a batch may be.
    """
    batch = Batch.of_key(upload.key)
    if batch is None or upload.bucket != setting("INGEST_BUCKET"):
        raise WrongUploadKey("the file is no batch's; POST /models/{model}/batches says where it is uploaded to")
    tenant = registry.find_tenant(batch.tenant)
    if tenant is None or tenant.status != ACTIVE:
        raise UnknownTenant("the tenant is not active; ask the operator about your status")
    asked = uploads.find(batch.tenant, batch.batch)
    model = registry.find_model(batch.tenant, batch.model)
    if "batch" not in asked or asked["model"] != batch.model:
        raise WrongUploadKey("nobody asked for this batch; POST /models/{model}/batches begins one")
    if model is None or "settings" not in model:
        raise UnknownModel("the model was removed; PUT it and train it, then send the batch again")
    settings = ModelSettings.from_document(model["settings"])
    run = Run(batch.execution, batch.tenant, batch.model, asked["version"])
    document = {"batch": batch.batch, "upload": upload.as_input(), "settings": settings.as_document(), "state": state}
    registry.begin_batch(run, document)  # from here on no artefacts are deleted under it; before, they may have been
    _require_artefacts(run.tenant, registry.find_version(run.tenant, run.model, run.version))
    check_size(upload.size_bytes)
    return run


def require_room(tenant: str, model: Row, version: Row) -> Row:
    """Return the quote of a batch by this version, as the API shows it, when it would have a place now.

    Raises:
        BudgetExceeded: its worst case does not fit into the month's budget, of the tenant or the model.
        TooManyBatches: as many batches of the model run as may at once.
    """
    account, settings = registry.get_tenant(tenant).account, ModelSettings.from_document(model["settings"])
    quoted = spending.quote_batch(settings, account, version["plan"])
    spending.require_room_for_batch(tenant, model["model"], settings, quoted)
    return quotes.quote_of_batch(quoted, account.region, datetime.now(UTC).date())


def admit(context: RunContext) -> None:
    """Take the batch's place with its worst case, before anything of its file is read, and show that. Repeatable.

    Raises:
        BudgetExceeded: its worst case does not fit into the month's budget, of the tenant or the model.
        TooManyBatches: as many batches of the model run as may at once.
    """
    quoted = spending.quote_batch(context.settings, context.account, context.version["plan"])
    spending.admit_batch(context.run, context.settings, quoted)
    context.note(quote=quotes.quote_of_batch(quoted, context.account.region, datetime.now(UTC).date()))


def deployed(context: RunContext) -> Deployed:
    """Return what the batch's version predicts from and answers.

    Raises:
        ArtefactsGone: what it was trained with is deleted.
    """
    profile = find_profile(context.version)
    if profile is None:
        raise ArtefactsGone("what the version was trained with is deleted; name another version")
    return Deployed.of_row(context.version, profile)


def read(context: RunContext, document: Row) -> Iterator[bytes]:
    """Stream the batch's file, as its upload is described.

    Raises:
        ValueError: it is not this batch's: a bug, or a forgery.
        DatasetChanged: it was deleted.
        DatasetUnavailable: S3 did not return it.
    """
    upload = Upload(**document)
    batch = Batch.of_key(upload.key)
    run = context.run
    if batch is None or (batch.tenant, batch.model, batch.execution) != (run.tenant, run.model, run.execution):
        raise ValueError("the file is not this batch's")
    source = StoredObject(upload.bucket, upload.key, upload.version_id, upload.etag, upload.size_bytes)
    return objects.read(platform("s3"), source)


def clean_up(run: Run, *, failed: bool) -> Removal:
    """Remove the batch's model, the parts of its rows and their answers; of one that failed its job and its result
    as well. Repeatable.

    Raises:
        StillChanging: the job has not stopped yet, and may still write.
    """
    account = (tenant := registry.get_tenant(run.tenant)).account
    name, folder, result = account.job(run.execution), run.customer_folder, Removal()
    try:
        client = assume(tenant, run.execution, session_policies.transform(account, name)).client("sagemaker")
        if transform_jobs.stop(client, name) == "Stopping":
            raise StillChanging(f"{account.sagemaker_arn('transform-job', name)} is Stopping, and may still write")
        _settle(run, account, transform_jobs.describe(client, name))
        if endpoints.remove_one(client, "model", name, run.execution):
            result.removed.append(f"model/{name}")
        s3 = assume(tenant, run.execution, session_policies.remove_objects(account, folder)).client("s3")
        for part in [folder] if failed else [f"{folder}input/", f"{folder}output/"]:
            result.removed += objects.remove_folder(s3, account.bucket, part)
    except CustomerAccountError:
        result.left_behind += [account.sagemaker_arn("model", name), f"{account.bucket_arn}/{folder}*"]
    return result


def _settle(run: Run, account: CustomerAccount, job: Row | None) -> None:
    """Give back the place of a batch whose job is over for what AWS bills of it, and show that. Repeatable."""
    if not spending.has_place(run):
        return
    cost = (0, 0) if job is None else costs.of_transform(job, account.region, spending.prices())
    if cost is not None:
        registry.note_progress(run, {"cost": {"seconds": cost[0], "usd": usd(cost[1])}})
    spending.settle(run, begun=job is not None, cost=cost, is_over=True)


def keep_result(run: Run, days: int, rows: int) -> None:
    """Note that the batch's result is in the customer's bucket, and for how many days it stays."""
    expires_at = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    registry.remember_result(run, expires_at)
    registry.update_execution(run.tenant, run.execution, {"result": {"rows": rows, "expires_at": expires_at}})


def download(tenant: Tenant, row: Row) -> dict[str, str] | None:
    """Return a link to a batch's result, None when there is none or it is deleted; the session that signs it reads that
    object and nothing else.

    Raises:
        CustomerAccessRevoked: the access role may not read it.
        CustomerThrottled: AWS did not answer.
    """
    if row.get("status") != "succeeded" or row["result"]["expires_at"] <= registry.now():
        return None
    run = Run.of_row(row)
    key, account = result_key(run.customer_folder), tenant.account
    session = assume(tenant, f"{PURPOSE}-{run.model}", session_policies.read_reports(account, run.customer_folder, key))
    return presigned.downloads(session.credentials, tenant.region, account.bucket, [key])[0]


def remove_expired(tenant: Tenant) -> int:
    """Delete the results of a tenant's batches whose days are over, and return how many; what the account refuses
    waits for the next sweep.

    Raises:
        TransientError: something cannot be deleted now.
    """
    removed = 0
    for row in registry.expired_results(tenant.tenant):
        folder = tenant.account.folder(row["model"], row["execution"])
        with suppress(CustomerAccountError):
            session = assume(tenant, PURPOSE, session_policies.remove_objects(tenant.account, folder))
            objects.remove_folder(session.client("s3"), tenant.account.bucket, folder)
            registry.forget_result(row)
            removed += 1
    return removed
