"""The tenant's API, but for predictions: models and their settings, uploads, executions, versions."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.aws import presigned, registry
from tenantml.domain import views
from tenantml.domain.models import ModelSettings
from tenantml.domain.names import is_model
from tenantml.domain.tenants import ACTIVE
from tenantml.domain.uploads import destination_of
from tenantml.errors import InvalidRequest, TenantSuspended, UploadError

Json = dict[str, Any]


def list_models(tenant: str, event: Json) -> tuple[int, Json]:
    """GET /models."""
    return 200, {"models": [views.model(row) for row in registry.list_models(tenant)]}


def get_model(tenant: str, event: Json) -> tuple[int, Json]:
    """GET /models/{model}."""
    row = registry.find_model(tenant, event["pathParameters"]["model"])
    if row is None:
        raise http.not_found()
    return 200, views.model(row)


def put_model(tenant: str, event: Json) -> tuple[int, Json]:
    """PUT /models/{model}: the settings that the next training follows."""
    model = event["pathParameters"]["model"]
    if not is_model(model):
        raise InvalidRequest("a model's name has 1 to 30 of a-z, 0-9 and inner hyphens, and starts with a letter")
    registry.put_model(tenant, model, ModelSettings.from_document(http.parse_json_object(event.get("body"))))
    return get_model(tenant, event)


def create_upload(tenant: str, event: Json) -> tuple[int, Json]:
    """POST /models/{model}/uploads: a form that takes one file."""
    model = event["pathParameters"]["model"]
    row = registry.find_model(tenant, model)
    if row is None:
        raise http.not_found()
    request = http.parse_json_object(event.get("body"))
    key = f"{tenant}/{model}/{request.get('file_name', '')}"
    try:
        destination_of(key)
    except UploadError as error:
        raise InvalidRequest(f"file_name: {error}") from error
    return 201, presigned.upload_form(key, row["settings"]["max_upload_bytes"])


def list_executions(tenant: str, event: Json) -> tuple[int, Json]:
    """GET /executions?model=&upload_key=: newest first."""
    wanted = event.get("queryStringParameters") or {}
    rows = registry.list_executions(tenant)
    if "model" in wanted:
        rows = [row for row in rows if row.get("model") == wanted["model"]]
    if "upload_key" in wanted:
        rows = [row for row in rows if row["upload"]["key"] == wanted["upload_key"]]
    return 200, {"executions": [views.execution(row) for row in rows]}


def get_execution(tenant: str, event: Json) -> tuple[int, Json]:
    """GET /executions/{execution}."""
    row = registry.find_execution(tenant, event["pathParameters"]["execution"])
    if row is None:
        raise http.not_found()
    return 200, views.execution(row)


def list_versions(tenant: str, event: Json) -> tuple[int, Json]:
    """GET /models/{model}/versions: newest first."""
    model = event["pathParameters"]["model"]
    if registry.find_model(tenant, model) is None:
        raise http.not_found()
    return 200, {"versions": [views.version(row) for row in registry.list_versions(tenant, model)]}


OPERATIONS = {
    ("GET", "/models"): list_models,
    ("GET", "/models/{model}"): get_model,
    ("PUT", "/models/{model}"): put_model,
    ("POST", "/models/{model}/uploads"): create_upload,
    ("GET", "/models/{model}/versions"): list_versions,
    ("GET", "/executions"): list_executions,
    ("GET", "/executions/{execution}"): get_execution,
}


@http.api
def handler(event: Json, tenant: str) -> tuple[int, Json]:
    """Answer one request of an active tenant."""
    found = registry.find_tenant(tenant)
    if found is None or found.status != ACTIVE:
        raise TenantSuspended("this tenant is not active; ask the operator why")
    return OPERATIONS[event["httpMethod"], event["resource"]](tenant, event)
