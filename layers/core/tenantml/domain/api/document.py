"""The document of the whole API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenantml import errors
from tenantml.domain.api import schemas, webhook_schemas
from tenantml.domain.api.operations import EVERYWHERE, OPERATIONS, PATH_PARAMETERS, Operation

Json = dict[str, Any]

VERSION = "1.0.0"
DESCRIPTION = (
    "Configure a model, upload a CSV file, watch its execution, and ask the version that went live. Every refusal is "
    f"a problem document (RFC 9457) with a stable `code`; [what to do about each]({errors.DOCUMENTATION})."
)
QUOTA_HEADERS: Json = {
    "RateLimit": {"description": "What is left of each limit, and for how many seconds", "schema": schemas.TEXT},
    "RateLimit-Policy": {"description": "Each limit and its period in seconds", "schema": schemas.TEXT},
}
REQUEST_ID: Json = {"X-Request-Id": {"description": "Name it when something is wrong", "schema": schemas.TEXT}}
ETAG: Json = {"ETag": {"description": "The revision; send it as If-Match with PUT", "schema": schemas.TEXT}}
CSV_HEADERS: Json = {
    "X-Model-Version": {"description": "With CSV: the version that made the predictions", "schema": schemas.TEXT},
    "X-Advice-Count": {"description": "With CSV: how much advice the answer in JSON has", "schema": schemas.COUNT},
}
RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}


def document() -> Json:
    """Return the OpenAPI 3.1 document of the whole API; its server is where the document was found."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = of_operation(operation)
    found = frame("TenantML", DESCRIPTION, ".", paths, schemas.components() | webhook_schemas.components())
    return found | {"webhooks": webhook_schemas.webhooks()}


def frame(title: str, description: str, server: str, paths: Json, components: dict[str, Json]) -> Json:
    """Return what every document has around its paths; `server` is relative to where the document is found."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": VERSION,
            "description": description,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server, "description": "The API that serves this document"}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-api-key",
                    "description": "Issued by the operator, shown once",
                }
            },
        },
    }


def of_operation(operation: Operation) -> Json:
    """Return one operation."""
    found: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {str(status): answer(operation, name) for status, name in operation.answers.items()}
        | problems(operation.refusals if operation.is_public else [*EVERYWHERE, *operation.refusals]),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in PATH_PARAMETERS.items()
        if "{" + name + "}" in operation.path
    ]
    if parameters or operation.parameters:
        found["parameters"] = parameters + list(operation.parameters)
    if operation.takes:
        found["requestBody"] = {
            "required": True,
            "content": {
                media: {"schema": schemas.reference(operation.takes) if media == "application/json" else schemas.TEXT}
                for media in operation.media
            },
        }
    if operation.is_public:
        found["security"] = []
    return found


def answer(operation: Operation, name: str) -> Json:
    """Return what an operation answers when it works."""
    page = {"*/*" if "{file}" in operation.path else "text/html": {"schema": schemas.TEXT}}
    content = {"application/json": {"schema": schemas.reference(name)}} if name else page
    headers = REQUEST_ID | ({} if operation.is_public else QUOTA_HEADERS) | (ETAG if operation.has_etag else {})
    if operation.answers_csv:
        content["text/csv"] = {"schema": schemas.CSV_PREDICTIONS}
        headers = headers | CSV_HEADERS
    return {"description": operation.summary, "headers": headers, "content": content}


def problems(kinds: Iterable[type[errors.TenantMLError]]) -> Json:
    """Return the refusals by status, each with the codes that it may carry."""
    by_status: dict[int, list[str]] = {errors.InternalFailure.status: [errors.InternalFailure.__name__]}
    for kind in kinds:
        assert kind.status, f"{kind.__name__} has no HTTP status"
        by_status.setdefault(kind.status, []).append(kind.__name__)
    return {
        str(status): {
            "description": ", ".join(sorted(set(names))),
            "content": {"application/problem+json": {"schema": schemas.reference("Problem")}},
        }
        | ({"headers": RETRY_AFTER} if status in {429, 503} else {})
        for status, names in sorted(by_status.items())
    }
