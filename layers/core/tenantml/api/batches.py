"""The batches of a model: files of rows to predict."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.api.named import find_model, name_in_path
from tenantml.aws import lambda_functions
from tenantml.aws.s3 import presigned
from tenantml.domain.api import pagination, views
from tenantml.domain.predictions.batch import FILE_BYTES, Batch, new_batch, version_asked_for
from tenantml.domain.uploads.upload import fingerprint_of, idempotency_key
from tenantml.http import Answer
from tenantml.services import registry, tenant_scope, transforms
from tenantml.services.registry import uploads
from tenantml.settings import setting

Json = dict[str, Any]


def create_batch(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/batches: a form that takes the file of rows to predict. Under one Idempotency-Key it is the
    same batch, signed anew.
    """
    row = find_model(tenant, event)
    model, document = row["model"], http.parse_json_object(event)
    version = transforms.version_for(tenant, row, version_asked_for(document))
    if version is None:
        raise http.not_found()
    quote = transforms.require_room(tenant, row, version)
    name = new_batch()
    if repeatable := idempotency_key(http.find_header(event, "idempotency-key")):
        name = uploads.under_key(tenant, repeatable, fingerprint_of("createBatch", model, document), name)
    batch = Batch(tenant, model, name)
    asked = {"model": model, "batch": name, "version": version["version"], "key": batch.key}
    stored = uploads.add(tenant, name, asked)
    form = presigned.upload_form(tenant_scope.s3(), batch.key, FILE_BYTES, name)
    return Answer(201, views.batch(stored) | {"quote": quote, "form": form | {"max_bytes": FILE_BYTES}})


def list_batches(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/batches: those whose file has come, newest first."""
    model = find_model(tenant, event)["model"]
    page = registry.list_batches(tenant, model, pagination.read(http.query_of(event)))
    return Answer(200, {"batches": [views.batch(row) for row in page.rows], "next_token": page.next_token})


def get_batch(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/batches/{batch}: how it is, and a link to its result, which another function signs; this one
    enters no customer's account.
    """
    model, name = find_model(tenant, event)["model"], name_in_path(event, "batch")
    row = registry.find_execution(tenant, Batch(tenant, model, name).execution)
    if row is None:
        row = uploads.find(tenant, name)
        if row.get("model") != model or "batch" not in row:
            raise http.not_found()
    download = None
    if row.get("status") == "succeeded":
        asked = {"tenant": tenant, "execution": row["execution"]}
        download = lambda_functions.invoke(setting("SIGN_ARTEFACTS_FUNCTION"), asked)["download"]
    return Answer(200, views.batch(row) | {"download": download})
