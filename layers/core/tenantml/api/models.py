"""The models of a tenant: settings, state, cost, and the contract of their predictions."""

from __future__ import annotations

import json
import re
from typing import Any

from tenantml import http
from tenantml.api.named import find_model
from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.api import model_document, pagination, views
from tenantml.domain.names import is_model
from tenantml.domain.training.deployment_request import is_to_be_paused, version_to_return_to
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import InvalidRequest, ModelNotReady, PreconditionFailed
from tenantml.http import Answer
from tenantml.services import deployments, registry, spending, tenant_scope

Json = dict[str, Any]
ANY_REVISION = "*"


def list_models(tenant: str, event: Json) -> Answer:
    """GET /models."""
    page = registry.list_models(tenant, pagination.read(http.query_of(event)))
    models = [views.model(row, *registry.resumption(row)) for row in page.rows]
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
    version = registry.find_version(tenant, row["model"], registry.version_to_predict(row) or "")
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
    """GET /models/{model}/quote: what the next training, its endpoint and a batch can cost at worst."""
    row = find_model(tenant, event)
    version = registry.find_version(tenant, row["model"], registry.version_to_predict(row) or "")
    settings, account = ModelSettings.from_document(row["settings"]), registry.get_tenant(tenant).account
    return Answer(200, spending.quote(settings, account, (version or {}).get("plan")))


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


def shown(status: int, row: Json) -> Answer:
    """Answer with a model and the revision of its settings."""
    return Answer(
        status,
        views.model(row, *registry.resumption(row)),
        {"ETag": f'"{row.get("revision", 0)}"'},
    )


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
