"""The versions of a model: deployed, judged, explained, approved."""

from __future__ import annotations

import json
from typing import Any

from tenantml import http
from tenantml.api.named import find_model, find_version
from tenantml.aws import lambda_functions
from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.api import pagination, views
from tenantml.domain.judging.approval import Decision
from tenantml.domain.training.deployment_request import DeploymentRequest
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import fingerprint_of, idempotency_key
from tenantml.errors import ArtefactsGone, NotEvaluated
from tenantml.http import Answer
from tenantml.services import approvals, deployments, drift, explanations, registry, served, tenant_scope
from tenantml.services.registry import uploads
from tenantml.settings import setting

Json = dict[str, Any]


def list_versions(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions: newest first."""
    model = find_model(tenant, event)["model"]
    page = registry.list_versions(tenant, model, pagination.read(http.query_of(event)))
    live = find_model(tenant, event).get("live_version")  # later than the versions: one that has just gone live is it
    versions = [views.version(version, live) for version in page.rows]
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


def get_importance(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/importance."""
    return Answer(200, explanations.importance(tenant_scope.s3(), tenant, find_version(tenant, event)[1]))


def get_drift(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/versions/{version}/drift: what the last daily check found."""
    _, version = find_version(tenant, event)
    return Answer(200, drift.shown(drift.of(tenant, version["model"], version["version"])))


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
