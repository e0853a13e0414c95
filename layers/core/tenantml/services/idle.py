"""Idle models: one whose endpoint nobody called for its `idle_hours` is paused, and its owner is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.webhooks.webhook_words import IDLE
from tenantml.services import deployments, registry, served

HOUR_SECONDS = 3600
Row = dict[str, Any]


def pause_idle(tenant: Tenant) -> list[str]:
    """Pause what is idle of a tenant's models, and return their names; what a crash left untold is told as well."""
    paused: list[str] = []
    for row in registry.all_models(tenant.tenant):
        if _is_idle(tenant.tenant, row) and registry.pause_idle(row):
            paused.append(row["model"])
            _finish(tenant, registry.get_model(tenant.tenant, row["model"]))
        elif row.get("untold"):
            _finish(tenant, row)
    return paused


def _finish(tenant: Tenant, row: Row) -> None:
    """Have the endpoint of a model that was paused by itself removed, and its owner told."""
    if (row.get("paused") or {}).get("by") == IDLE:
        deployments.finish_pause(tenant, row["model"], row["paused"])


def _is_idle(tenant: str, row: Row) -> bool:
    """Return whether a model's endpoint costs, was not called for long enough, and nothing of the model is under way:
    no upload, no deployment with its approval and its bake, no batch.
    """
    model, live = row["model"], row.get("live_version")
    idle_hours = ModelSettings.from_document(row["settings"]).idle_hours
    if idle_hours is None or not live:
        return False
    version = registry.find_version(tenant, model, live)
    if version is None or not (version.get("plan") or {}).get("instance_type"):
        return False  # a serverless endpoint costs nothing while nobody calls it
    called_at = served.last_call(tenant, model, version["version"]) + served.MARK_SECONDS
    said = [row.get("updated_at"), version.get("promoted_at"), (version.get("returned") or {}).get("at")]
    since = max(called_at, *(datetime.fromisoformat(at).timestamp() for at in said if at))
    if datetime.now(UTC).timestamp() - since < idle_hours * HOUR_SECONDS:
        return False
    is_deploying = any("ended_at" not in known for known in registry.all_versions(tenant, model))
    return not is_deploying and not registry.is_running(tenant, model)
