"""Explanations: Autopilot's reports are read once, when a version is deployed, and kept beside its profile."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects, presigned
from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.names import CustomerAccount
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import candidates, explanation
from tenantml.domain.training.explanation import Reports
from tenantml.errors import ArtefactsGone
from tenantml.services import registry
from tenantml.services.customer import assume
from tenantml.services.run_context import RunContext
from tenantml.settings import setting

MOST_ARTEFACTS = 100  # of each report; Autopilot writes fewer than ten

Row = dict[str, Any]


def keep_candidates(context: RunContext, found: list[dict[str, Any]], favourite: str) -> dict[str, str]:
    """Write every candidate of the run's training with all its metrics, and return where."""
    document = json.dumps({"candidates": candidates.described(found, favourite)})
    return _keep(f"{context.run.staging_folder}candidates.json", document)


def explain(context: RunContext, candidate_name: str) -> dict[str, Any]:
    """Keep what Autopilot explains of the version's candidate, and where its reports are; return the importance without
    its features. Repeatable.

    Raises:
        CustomerAccessRevoked: the access role may not read it.
        CustomerThrottled: AWS did not answer.
        NoCandidate: the training has no such candidate.
    """
    run, account = context.run, context.account
    client = context.customer(session_policies.train(account, context.job)).client("sagemaker")
    candidate = candidates.named(automl.candidates(client, context.job), candidate_name)
    reports = Reports.of(account, run.customer_folder, candidate, automl.describe(client, context.job))
    registry.update_version(run.tenant, run.model, run.version, {"reports": reports.as_document()})
    return keep_importance(context, _importance(context, reports))


def keep_importance(context: RunContext, found: dict[str, Any]) -> dict[str, Any]:
    """Keep the importance of the version's columns, and return it without them."""
    run = context.run
    place = _keep(f"{run.version_folder}importance.json", json.dumps(found))
    summary = {name: found[name] for name in ("source", "reason")} | {"feature_count": len(found["features"])}
    registry.update_version(run.tenant, run.model, run.version, {"importance": summary | {"place": place}})
    return summary


def _importance(context: RunContext, reports: Reports) -> dict[str, Any]:
    folder = reports.explainability
    if folder is None:
        return explanation.nothing(explanation.NO_REPORT)
    account = context.account
    policy = session_policies.read_reports(account, folder, f"{folder}*")
    client = context.customer(policy).client("s3")
    sizes = objects.list_theirs(client, account.bucket, folder)
    # Directly under the prefix in AWS's own tests, in a folder below it in its samples.
    keys = sorted((key for key in sizes if key.endswith(f"/{explanation.ANALYSIS}")), key=lambda key: key.count("/"))
    if not keys:
        return explanation.nothing(explanation.NO_REPORT)
    text = None
    if sizes[keys[0]] <= explanation.MOST_ANALYSIS_BYTES:
        text = objects.get_theirs(client, account.bucket, keys[0])
    try:
        return explanation.importance_of(json.loads(text or b""))
    except (ValueError, RecursionError):
        return explanation.nothing(explanation.UNREADABLE)


def _keep(key: str, text: str) -> dict[str, str]:
    bucket = setting("STAGING_BUCKET")
    objects.put_json(platform("s3"), bucket, key, text)
    return {"bucket": bucket, "key": key}


def importance(s3: Any, tenant: str, version: Row) -> dict[str, Any]:
    """Return the importance of a version's features, or why none is known.

    Raises:
        ArtefactsGone: it was kept as long as the training's artefacts, which are deleted.
    """
    if "importance" not in version:
        return explanation.nothing(explanation.NOT_READ)
    _require_kept(tenant, version)
    return _read(s3, version["importance"]["place"])


def all_candidates(s3: Any, tenant: str, version: Row) -> list[dict[str, Any]]:
    """Return every candidate of a version's training with all its metrics, the best first.

    Raises:
        ArtefactsGone: they were kept as long as the training's artefacts, which are deleted.
    """
    found: list[dict[str, Any]] = _read(s3, _require_kept(tenant, version)["candidates"])["candidates"]
    return [row | {"deployed": row["name"] == version.get("candidate")} for row in found]


def artefacts(tenant: Tenant, version: Row) -> list[dict[str, Any]]:
    """Return the notebooks and reports of a version's training, each with a link that downloads it for a quarter of an
    hour; the links are signed by a session that reads these and nothing else.

    Raises:
        ArtefactsGone: they are deleted.
        CustomerAccessRevoked: the access role may not read them.
        CustomerThrottled: AWS did not answer.
    """
    _require_kept(tenant.tenant, version)
    reports, account = Reports(**version.get("reports", {})), tenant.account
    if not reports.places():
        return []
    folder = CustomerAccount.folder(version["model"], version["execution"])
    policy = session_policies.read_reports(account, folder, *reports.readable())
    session = assume(tenant, f"tenantml-artefacts-{version['model']}", policy)
    client = session.client("s3")
    found: list[Row] = [
        {"name": key.removeprefix(place) or key.rpartition("/")[2], "kind": kind, "size_bytes": size, "key": key}
        for kind, place in reports.places()
        for key, size in objects.list_theirs(client, account.bucket, place, MOST_ARTEFACTS).items()
    ]
    links = presigned.downloads(session.credentials, tenant.region, account.bucket, [row["key"] for row in found])
    return [
        {name: value for name, value in row.items() if name != "key"} | link
        for row, link in zip(found, links, strict=True)
    ]


def _require_kept(tenant: str, version: Row) -> Row:
    training = registry.find_training(tenant, version["model"], version["execution"])
    if training is None or "candidates" not in training:
        raise ArtefactsGone(
            "what was kept of this version's training is deleted: that of the last versions is kept, as many as the "
            "model's keep_versions says; upload the file again to train again"
        )
    return training


def _read(s3: Any, place: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(objects.get_bytes(s3, place["bucket"], place["key"]))
    return document
