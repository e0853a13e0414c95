"""What the model report of a version is made of: its row, its execution's, and what is kept in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tenantml.aws.s3 import objects
from tenantml.domain.api import views
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.training import explanation
from tenantml.domain.training.run import Run
from tenantml.services import registry, served, spending
from tenantml.services.registry.table import now
from tenantml.settings import setting

Row = dict[str, Any]


def facts_of(s3: Any, tenant: str, version: Row, live_version: str | None) -> dict[str, Any]:
    """Return all that is known of a version; `tenantml_pages.report.render` says what each member is.

    What is kept as long as the training's artefacts is None when these are deleted.
    """
    run = Run.of_row(version | {"tenant": tenant})
    trained_by = registry.find_execution(tenant, run.execution) or {}
    execution, counted = views.execution(trained_by), served.of(tenant, run.model, run.version)
    training = registry.find_training(tenant, run.model, run.execution)
    found: dict[str, Any] = dict.fromkeys(("evaluation", "profile", "candidates", "importance"))
    if training is not None:
        in_bucket = {
            "bucket": setting("STAGING_BUCKET"),
            "key": Run.evaluated(version | {"tenant": tenant}).evaluation_key,
        }
        importance = version.get("importance", {}).get("place")
        found = {
            "evaluation": _read(s3, in_bucket if "evaluation" in version else None),
            "profile": _read(s3, version.get("profile")),
            "candidates": (_read(s3, training.get("candidates")) or {}).get("candidates"),
            "importance": _read(s3, importance) or explanation.nothing(explanation.NOT_READ),
        }
    return found | {
        "tenant": tenant,
        "made_at": now(),
        "version": views.version_details(version, live_version, trained_by, counted),
        "settings": trained_by.get("settings"),
        "training": execution["training"],
        "upload": execution["upload"],
        "cost": execution["cost"],
        "endpoint_usd_per_hour": _hourly(version.get("plan"), execution["quote"], "instance_count"),
        "endpoint_most_usd_per_hour": _hourly(version.get("plan"), execution["quote"], "max_instances"),
    }


def _hourly(plan: Row | None, quote: Row | None, instances: str) -> str | None:
    """Return what an hour of so many of the version's instances costs, in the region that its training was quoted for;
    None where the plan has no such number.
    """
    if not plan or not plan.get("instance_type") or not plan.get(instances) or not quote:
        return None
    price = pricing.find(spending.prices(), quote["region"], plan["instance_type"], pricing.HOSTING)
    return pricing.usd(None if price is None else price.micros_per_hour * plan[instances])


def _read(s3: Any, place: Mapping[str, str] | None) -> Row | None:
    stored = objects.find_bytes(s3, place["bucket"], place["key"]) if place else None
    return None if stored is None else json.loads(stored)
