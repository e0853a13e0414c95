"""The tenant's API, but for predictions: models and their settings, uploads, executions, versions, usage."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from tenantml import http
from tenantml.aws import lambda_functions
from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects, presigned
from tenantml.domain.api import model_document, pagination, views
from tenantml.domain.api.operations import OPERATIONS, PATH_PARAMETERS, Operation
from tenantml.domain.judging.approval import Decision
from tenantml.domain.names import execution_name, is_model
from tenantml.domain.predictions.batch import FILE_BYTES, Batch, new_batch, version_asked_for
from tenantml.domain.tenancy.tenant import require_active
from tenantml.domain.training.deployment_request import DeploymentRequest, is_to_be_paused, version_to_return_to
from tenantml.domain.training.execution_outcome import STATUSES
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import (
    UploadRequest,
    destination_of,
    fingerprint_of,
    idempotency_key,
    part_bytes,
    part_sizes,
)
from tenantml.errors import (
    ArtefactsGone,
    InvalidRequest,
    ModelNotReady,
    NotEvaluated,
    PreconditionFailed,
    UploadError,
)
from tenantml.http import Answer
from tenantml.services import (
    api_keys,
    approvals,
    deployments,
    explanations,
    model_report,
    quota,
    receipts,
    registry,
    served,
    spending,
    tenant_scope,
    transforms,
)
from tenantml.services.registry import uploads
from tenantml.settings import setting
from tenantml_pages import report

Json = dict[str, Any]

ANY_REVISION = "*"
MAX_KEY_BYTES = 1024  # of an object (S3 user guide, "Naming Amazon S3 objects")


def list_models(tenant: str, event: Json) -> Answer:
    """GET /models."""
    page = registry.list_models(tenant, pagination.read(http.query_of(event)))
    models = [views.model(row, registry.resumed_as(row)) for row in page.rows]
    return Answer(200, {"models": models, "next_token": page.next_token})


def get_model(tenant: str, event: Json) -> Answer:
    """GET /models/{model}."""
    return shown(200, find_model(tenant, event))


def put_model(tenant: str, event: Json) -> Answer:
    """PUT /models/{model}: the settings that the next training follows."""
    model = http.in_path(event, "model")
    if not is_model(model):
        raise InvalidRequest("a model's name has 1 to 30 of a-z, 0-9 and inner hyphens, and starts with a letter")
    settings = ModelSettings.from_document(http.parse_json_object(event))
    settings.require_fit(registry.get_tenant(tenant).account, platform("s3").meta.region_name)
    revision = registry.put_model(tenant, model, settings, expected_revision(tenant, model, event))
    if revision is None:
        raise PreconditionFailed("the model is not as If-Match or If-None-Match says; GET it, look, and try again")
    return shown(201 if revision == 1 else 200, find_model(tenant, event))


def get_model_document(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/openapi.json: the contract of this model's predictions."""
    row = find_model(tenant, event)
    answers = row.get("live_version") or registry.paused_version(row)
    version = registry.find_version(tenant, row["model"], answers) if answers else None
    if version is None:
        raise ModelNotReady("the model has no live version yet, so its columns are not known")
    place = version["profile"]
    document = model_document.model_document(
        row["model"],
        version["version"],
        json.loads(objects.get_bytes(tenant_scope.s3(), place["bucket"], place["key"])),
        reject_unseen=row["settings"]["unseen_category"] == "reject",
        regression=version["problem_type"] == "Regression",
    )
    return Answer(200, document, is_document=True)


def get_quote(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/quote: what the next training and its endpoint can cost at worst."""
    settings = ModelSettings.from_document(find_model(tenant, event)["settings"])
    return Answer(200, spending.quote(settings, registry.get_tenant(tenant).account))


def create_upload(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/uploads: a form that takes one file, or the parts of a larger one; what it brings is
    trained from once. Under one Idempotency-Key it is the same upload, signed anew.
    """
    row = find_model(tenant, event)
    model, limit_bytes = row["model"], row["settings"]["max_upload_bytes"]
    document = http.parse_json_object(event)
    request = UploadRequest.from_document(document, limit_bytes)
    key = key_of_upload(tenant, model, request.file_name)
    upload = secrets.token_hex(16)
    if repeatable := idempotency_key(http.find_header(event, "idempotency-key")):
        upload = uploads.under_key(tenant, repeatable, fingerprint_of("createUpload", model, document), upload)
    if not request.in_parts:
        uploads.add(tenant, upload, {"model": model, "key": key})
        form = presigned.upload_form(tenant_scope.s3(), key, limit_bytes, upload)
        return Answer(201, {"upload": upload, "key": key} | form)
    size_bytes = request.size_bytes or 0
    parts = {"size_bytes": size_bytes, "part_bytes": part_bytes(size_bytes)}
    found = uploads.add(tenant, upload, {"model": model, "key": key} | parts)
    if "multipart_id" not in found:
        multipart_id = presigned.begin_parts(tenant_scope.s3(), key, upload)
        if not uploads.begin_parts(tenant, upload, multipart_id):  # the same request was faster
            presigned.abort(tenant_scope.s3(), key, multipart_id)
    return Answer(201, views.upload(found))


def get_upload(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/uploads/{upload}: which execution it started, if it did."""
    return Answer(200, views.upload(find_upload(tenant, event)))


def list_parts(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/uploads/{upload}/parts: where each part is PUT, and its size."""
    row = find_upload_in_parts(tenant, event)
    sizes = part_sizes(row["size_bytes"], row["part_bytes"])
    parts = [{"number": number, "size_bytes": size} for number, size in enumerate(sizes, 1)]
    page = pagination.page_of(parts, pagination.read(http.query_of(event)))
    s3, key, multipart_id = tenant_scope.s3(), row["key"], row["multipart_id"]
    signed = [
        part | {"url": presigned.part_url(s3, key, multipart_id, part["number"], part["size_bytes"])}
        for part in page.rows
    ]
    return Answer(
        200,
        {
            "parts": signed,
            "expires_in_seconds": presigned.PART_EXPIRES_IN_SECONDS,
            "next_token": page.next_token,
        },
    )


def complete_upload(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/uploads/{upload}/completion: all parts are there, so train from them; a repeat says the
    same.
    """
    row = find_upload_in_parts(tenant, event)
    if "version_id" not in row:
        sizes = part_sizes(row["size_bytes"], row["part_bytes"])
        row["version_id"] = presigned.complete_parts(tenant_scope.s3(), row["key"], row["multipart_id"], sizes)
        uploads.note_version(tenant, row["upload"], row["version_id"])
    row["execution"] = execution_name(setting("INGEST_BUCKET"), row["key"], row["version_id"])
    return Answer(200, views.upload(row))


def create_batch(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/batches: a form that takes the file of rows to predict. Under one Idempotency-Key it is the
    same batch, signed anew.
    """
    row = find_model(tenant, event)
    model, document = row["model"], http.parse_json_object(event)
    version = transforms.version_for(tenant, row, version_asked_for(document))
    if version is None:
        raise http.not_found()
    name = new_batch()
    if repeatable := idempotency_key(http.find_header(event, "idempotency-key")):
        name = uploads.under_key(tenant, repeatable, fingerprint_of("createBatch", model, document), name)
    batch = Batch(tenant, model, name)
    asked = {"model": model, "batch": name, "version": version["version"], "key": batch.key}
    stored = uploads.add(tenant, name, asked)
    form = presigned.upload_form(tenant_scope.s3(), batch.key, FILE_BYTES, name)
    return Answer(201, views.batch(stored) | {"form": form})


def list_batches(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/batches: those whose file has come, newest first."""
    model = find_model(tenant, event)["model"]
    page = registry.list_batches(tenant, model, pagination.read(http.query_of(event)))
    return Answer(200, {"batches": [views.batch(row) for row in page.rows], "next_token": page.next_token})


def get_batch(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/batches/{batch}: how it is, and a link to its result, which another function signs; this one
    enters no customer's account.
    """
    model, name = find_model(tenant, event)["model"], named(event, "batch")
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


def list_executions(tenant: str, event: Json) -> Answer:
    """GET /executions?model=&upload_key=&status=: newest first."""
    query = http.query_of(event)
    if query.get("status", STATUSES[0]) not in STATUSES:
        raise InvalidRequest(f"status: expected one of {', '.join(STATUSES)}")
    if len(query.get("upload_key", "")) > MAX_KEY_BYTES:
        raise InvalidRequest(f"upload_key: no upload's key has over {MAX_KEY_BYTES} characters")
    if "model" in query and not is_model(query["model"]):
        raise InvalidRequest("model: no model can have this name")

    def wanted(row: Json) -> bool:
        found = {"model": row.get("model"), "upload_key": row["upload"]["key"], "status": row["status"]}
        return all(query.get(name, value) == value for name, value in found.items())

    page = registry.list_executions(tenant, pagination.read(query), wanted)
    return Answer(
        200, {"executions": [views.execution_summary(row) for row in page.rows], "next_token": page.next_token}
    )


def get_execution(tenant: str, event: Json) -> Answer:
    """GET /executions/{execution}."""
    row = registry.find_execution(tenant, named(event, "execution"))
    if row is None:
        raise http.not_found()
    return Answer(200, views.execution(row))


def get_receipt(tenant: str, event: Json) -> Answer:
    """GET /executions/{execution}/receipt: what this execution did in the customer's account, call by call; every
    page of it is verified as a whole.
    """
    execution = named(event, "execution")
    request = pagination.read(http.query_of(event), pagination.MAX_ENTRIES, pagination.MAX_ENTRIES)
    if registry.find_execution(tenant, execution) is None or (found := receipts.read(tenant, execution)) is None:
        raise http.not_found()
    page = pagination.page_of(found["entries"], request)
    return Answer(200, found | {"entries": page.rows, "next_token": page.next_token})


def list_versions(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions: newest first."""
    row = find_model(tenant, event)
    page = registry.list_versions(tenant, row["model"], pagination.read(http.query_of(event)))
    versions = [views.version(version, row.get("live_version")) for version in page.rows]
    return Answer(200, {"versions": versions, "next_token": page.next_token})


def create_version(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/versions: deploy a candidate of a kept training. Under one Idempotency-Key it is the same
    version.
    """
    row = find_model(tenant, event)
    model, document = row["model"], http.parse_json_object(event)
    request = DeploymentRequest.from_document(document)
    repeatable = idempotency_key(http.find_header(event, "idempotency-key"))

    def name() -> str:
        version = deployments.proposed_name()
        fingerprint = fingerprint_of("createVersion", model, document)
        return uploads.under_key(tenant, repeatable, fingerprint, version) if repeatable else version

    version = deployments.request(registry.get_tenant(tenant), model, request, platform("s3").meta.region_name, name)
    if version is None:
        raise http.not_found()
    return Answer(202, views.version(version, row.get("live_version")))


def get_version(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}: with the candidates that it was chosen from."""
    row, version = find_version(tenant, event)
    trained_by = registry.find_execution(tenant, version["execution"]) or {}
    counted = served.of(tenant, version["model"], version["version"])
    return Answer(200, views.version_details(version, row.get("live_version"), trained_by, counted))


def get_evaluation(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/evaluation: all that was measured on the holdout."""
    _, version = find_version(tenant, event)
    if "evaluation" not in version:
        raise NotEvaluated("the version has not been evaluated; GET it to see its status and error")
    run = Run.evaluated(version | {"tenant": tenant})
    is_kept = registry.find_training(tenant, run.model, run.execution) is not None
    stored = objects.find_bytes(tenant_scope.s3(), setting("STAGING_BUCKET"), run.evaluation_key) if is_kept else None
    if stored is None:
        raise ArtefactsGone("the evaluation is deleted with the artefacts of its training; the version has its summary")
    return Answer(200, json.loads(stored))


def get_report(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/report: made as it is asked for, so that it says what holds now."""
    row, version = find_version(tenant, event)
    facts = model_report.facts_of(tenant_scope.s3(), tenant, version, row.get("live_version"))
    return Answer(200, report.render(facts), http.page_headers(report.policy()))


def get_importance(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/importance."""
    return Answer(200, explanations.importance(tenant_scope.s3(), tenant, find_version(tenant, event)[1]))


def list_candidates(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/candidates: with all their metrics, the best first."""
    found = explanations.all_candidates(tenant_scope.s3(), tenant, find_version(tenant, event)[1])
    page = pagination.page_of(found, pagination.read(http.query_of(event)))
    return Answer(200, {"candidates": page.rows, "next_token": page.next_token})


def list_artefacts(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/artefacts: links that another function signs; this one enters no
    customer's account.
    """
    _, version = find_version(tenant, event)
    asked = {"tenant": tenant, "model": version["model"], "version": version["version"]}
    return Answer(200, lambda_functions.invoke(setting("SIGN_ARTEFACTS_FUNCTION"), asked))


def put_approval(tenant: str, event: Json) -> Answer:
    """PUT /models/{model}/versions/{version}/approval: somebody's decision; a repeat says the same."""
    decision = Decision.from_document(http.parse_json_object(event))
    row, version = find_version(tenant, event)
    decided = approvals.decide(tenant, row["model"], version["version"], decision, http.asked_by(event))
    return Answer(200, views.version(decided, row.get("live_version")))


def put_live_version(tenant: str, event: Json) -> Answer:
    """PUT /models/{model}/live-version: return to a version that was live; a repeat says the same."""
    model = find_model(tenant, event)["model"]
    version = version_to_return_to(http.parse_json_object(event))
    row = deployments.return_to(registry.get_tenant(tenant), model, version, http.asked_by(event))
    if row is None:
        raise http.not_found()
    live = registry.get_model(tenant, model).get("live_version")
    return Answer(200 if row["version"] == live else 202, views.version(row, live))


def put_state(tenant: str, event: Json) -> Answer:
    """PUT /models/{model}/state: pause a model, or resume it; a repeat says the same."""
    model = find_model(tenant, event)["model"]
    change = deployments.pause if is_to_be_paused(http.parse_json_object(event)) else deployments.resume
    change(registry.get_tenant(tenant), model, http.asked_by(event))
    return shown(200, find_model(tenant, event))


def list_keys(tenant: str, event: Json) -> Answer:
    """GET /keys: which API keys open what is yours, never a key itself."""
    page = pagination.page_of(api_keys.listed(tenant), pagination.read(http.query_of(event)))
    return Answer(200, {"keys": page.rows, "next_token": page.next_token})


def get_usage(tenant: str, event: Json) -> Answer:
    """GET /usage: this day's predictions, and what this month's trainings and endpoints cost."""
    return Answer(200, quota.of(tenant).report() | {"spending": spending.report(tenant)})


def shown(status: int, row: Json) -> Answer:
    """Answer with a model and the revision of its settings."""
    return Answer(status, views.model(row, registry.resumed_as(row)), {"ETag": f'"{row.get("revision", 0)}"'})


def find_model(tenant: str, event: Json) -> Json:
    """Return the row of the path's model; one that does not exist is as one of another tenant."""
    row = registry.find_model(tenant, http.model_of(event))
    if row is None or "settings" not in row:
        raise http.not_found()
    return row


def find_version(tenant: str, event: Json) -> tuple[Json, Json]:
    """Return the rows of the path's model and version; one that does not exist is as one of another tenant."""
    row = find_model(tenant, event)
    version = registry.find_version(tenant, row["model"], named(event, "version"))
    if version is None:
        raise http.not_found()
    return row, version


def key_of_upload(tenant: str, model: str, file_name: str) -> str:
    """Return the key of an upload.

    Raises:
        InvalidRequest: no upload can have this file name.
    """
    key = f"{tenant}/{model}/{file_name}"
    try:
        destination_of(key)
    except UploadError as error:
        raise InvalidRequest(f"file_name: {error}") from error
    if len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidRequest(f"file_name: the upload's key has over {MAX_KEY_BYTES} bytes; choose a shorter name")
    return key


def find_upload(tenant: str, event: Json) -> Json:
    """Return the row of the path's upload; one that does not exist is as one of another tenant or model."""
    row = uploads.find(tenant, named(event, "upload"))
    if not row or row["model"] != http.model_of(event):
        raise http.not_found()
    return row


def find_upload_in_parts(tenant: str, event: Json) -> Json:
    """Return the row of the path's upload, which comes in parts."""
    row = find_upload(tenant, event)
    if "multipart_id" not in row:
        raise http.not_found()
    return row


def named(event: Json, parameter: str) -> str:
    """Return a name of the path that something may have."""
    found = http.in_path(event, parameter)
    if not re.fullmatch(PATH_PARAMETERS[parameter]["pattern"].strip("^$"), found):
        raise http.not_found()
    return found


def expected_revision(tenant: str, model: str, event: Json) -> int | None:
    """Return which revision the request may change: 0 none yet, None whichever there is."""
    match, none_match = http.header(event, "if-match").strip(), http.header(event, "if-none-match").strip()
    if none_match:
        if none_match != ANY_REVISION:
            raise InvalidRequest("If-None-Match: expected *")
        if match:
            raise PreconditionFailed("If-Match asks for a model that exists, If-None-Match for one that does not")
        return 0
    if match == ANY_REVISION:
        row = registry.find_model(tenant, model)
        if row is None:
            raise PreconditionFailed("there is no such model to change; PUT it without If-Match")
        return int(row.get("revision", 0)) or None
    if not match:
        return None
    digits = re.fullmatch(r'"([1-9][0-9]{0,15})"', match)
    if digits is None:
        raise PreconditionFailed("If-Match: not an ETag of this model; GET it, look, and try again")
    return int(digits[1])


HANDLERS: dict[tuple[str, str], tuple[Operation, Callable[[str, Json], Answer]]] = {
    (operation.method, operation.path): (operation, globals()[operation.handler])
    for operation in OPERATIONS
    if operation.function == "TenantApi"
}


@http.api
def handler(event: Json, tenant: str) -> Answer:
    """Answer one request of an active tenant."""
    require_active(registry.find_tenant(tenant))
    operation, handle = HANDLERS[event["httpMethod"], event["resource"]]
    http.check_query(event, operation.query_names)
    return handle(tenant, event)
