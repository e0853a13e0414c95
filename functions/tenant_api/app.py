"""The tenant's API, but for predictions: models and their settings, uploads, executions, versions, usage."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tenantml import http
from tenantml.aws import presigned, quota, receipts, registry, storage
from tenantml.aws.clients import platform
from tenantml.domain import pagination, views
from tenantml.domain.models import ModelSettings
from tenantml.domain.names import is_model
from tenantml.domain.openapi import model_document
from tenantml.domain.openapi.operations import PATH_PARAMETERS, STATUSES
from tenantml.domain.tenants import require_active
from tenantml.domain.uploads import destination_of
from tenantml.errors import InvalidRequest, ModelNotReady, PreconditionFailed, UploadError
from tenantml.http import Answer

Json = dict[str, Any]

ANY_REVISION = "*"
MAX_KEY_BYTES = 1024  # of an object (S3 user guide, "Naming Amazon S3 objects")


def list_models(tenant: str, event: Json) -> Answer:
    """GET /models."""
    page = registry.list_models(tenant, pagination.read(query_of(event)))
    return Answer(200, {"models": [views.model(row) for row in page.rows], "next_token": page.next_token})


def get_model(tenant: str, event: Json) -> Answer:
    """GET /models/{model}."""
    return shown(200, find_model(tenant, event))


def put_model(tenant: str, event: Json) -> Answer:
    """PUT /models/{model}: the settings that the next training follows."""
    model = event["pathParameters"]["model"]
    if not is_model(model):
        raise InvalidRequest("a model's name has 1 to 30 of a-z, 0-9 and inner hyphens, and starts with a letter")
    settings = ModelSettings.from_document(http.parse_json_object(event))
    revision = registry.put_model(tenant, model, settings, expected_revision(tenant, model, event))
    if revision is None:
        raise PreconditionFailed("the model is not as If-Match or If-None-Match says; GET it, look, and try again")
    return shown(201 if revision == 1 else 200, find_model(tenant, event))


def get_model_document(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/openapi.json: the contract of this model's predictions."""
    row = find_model(tenant, event)
    live = row.get("live_version")
    version = registry.find_version(tenant, row["model"], live) if live else None
    if version is None:
        raise ModelNotReady("the model has no live version yet, so its columns are not known")
    place = version["profile"]
    document = model_document.model_document(
        row["model"],
        version["version"],
        json.loads(storage.get_bytes(platform("s3"), place["bucket"], place["key"])),
        reject_unseen=row["settings"]["unseen_category"] == "reject",
        regression=version["problem_type"] == "Regression",
    )
    return Answer(200, document, is_document=True)


def create_upload(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/uploads: a form that takes one file; nothing is stored, so it needs no idempotency key."""
    row = find_model(tenant, event)
    request = http.parse_json_object(event)
    file_name = request.get("file_name")
    if not isinstance(file_name, str) or len(request) != 1:
        raise InvalidRequest('the body must be {"file_name": "….csv"} and nothing else')
    key = f"{tenant}/{row['model']}/{file_name}"
    try:
        destination_of(key)
    except UploadError as error:
        raise InvalidRequest(f"file_name: {error}") from error
    if len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidRequest(f"file_name: the upload's key has over {MAX_KEY_BYTES} bytes; choose a shorter name")
    return Answer(201, presigned.upload_form(key, row["settings"]["max_upload_bytes"]))


def list_executions(tenant: str, event: Json) -> Answer:
    """GET /executions?model=&upload_key=&status=: newest first."""
    query = query_of(event)
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
    return Answer(200, {"executions": [views.execution(row) for row in page.rows], "next_token": page.next_token})


def get_execution(tenant: str, event: Json) -> Answer:
    """GET /executions/{execution}."""
    row = registry.find_execution(tenant, named(event, "execution"))
    if row is None:
        raise http.not_found()
    return Answer(200, views.execution(row))


def get_receipt(tenant: str, event: Json) -> Answer:
    """GET /executions/{execution}/receipt: what this execution did in the customer's account, call by call."""
    execution = named(event, "execution")
    if registry.find_execution(tenant, execution) is None or (found := receipts.read(tenant, execution)) is None:
        raise http.not_found()
    return Answer(200, found)


def list_versions(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions: newest first."""
    row = find_model(tenant, event)
    page = registry.list_versions(tenant, row["model"], pagination.read(query_of(event)))
    versions = [views.version(version, row.get("live_version")) for version in page.rows]
    return Answer(200, {"versions": versions, "next_token": page.next_token})


def get_version(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}: with the candidates that it was chosen from."""
    row = find_model(tenant, event)
    version = registry.find_version(tenant, row["model"], named(event, "version"))
    if version is None:
        raise http.not_found()
    trained_by = registry.find_execution(tenant, version["execution"]) or {}
    return Answer(200, views.version_details(version, row.get("live_version"), trained_by))


def get_usage(tenant: str, event: Json) -> Answer:
    """GET /usage: this day's."""
    return Answer(200, quota.of(tenant).report())


def shown(status: int, row: Json) -> Answer:
    """Answer with a model and the revision of its settings."""
    return Answer(status, views.model(row), {"ETag": f'"{row.get("revision", 0)}"'})


def find_model(tenant: str, event: Json) -> Json:
    """Return the row of the path's model; one that does not exist is as one of another tenant."""
    row = registry.find_model(tenant, http.model_of(event))
    if row is None or "settings" not in row:
        raise http.not_found()
    return row


def named(event: Json, parameter: str) -> str:
    """Return a name of the path that something may have."""
    found: str = event["pathParameters"][parameter]
    if not re.fullmatch(PATH_PARAMETERS[parameter]["pattern"].strip("^$"), found):
        raise http.not_found()
    return found


def query_of(event: Json) -> dict[str, str]:
    """Return the query's parameters."""
    return event.get("queryStringParameters") or {}


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


OPERATIONS: dict[tuple[str, str], Callable[[str, Json], Answer]] = {
    ("GET", "/models"): list_models,
    ("GET", "/models/{model}"): get_model,
    ("PUT", "/models/{model}"): put_model,
    ("GET", "/models/{model}/openapi.json"): get_model_document,
    ("POST", "/models/{model}/uploads"): create_upload,
    ("GET", "/models/{model}/versions"): list_versions,
    ("GET", "/models/{model}/versions/{version}"): get_version,
    ("GET", "/executions"): list_executions,
    ("GET", "/executions/{execution}"): get_execution,
    ("GET", "/executions/{execution}/receipt"): get_receipt,
    ("GET", "/usage"): get_usage,
}


@http.api
def handler(event: Json, tenant: str) -> Answer:
    """Answer one request of an active tenant."""
    require_active(registry.find_tenant(tenant))
    return OPERATIONS[event["httpMethod"], event["resource"]](tenant, event)
