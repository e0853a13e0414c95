"""Drift: what the predict function counted of each live version, checked against the bins of its training."""

from __future__ import annotations

import json
import time
from typing import Any

from tenantml.aws import events
from tenantml.aws.s3 import objects
from tenantml.domain.drift import verdict
from tenantml.domain.drift.watch import Watch
from tenantml.services import binned, registry
from tenantml.services.registry import keys, table

Row = dict[str, Any]


def check(s3: Any, tenant: str) -> list[str]:
    """Check every model of a tenant that answers; return those that begin to drift, which are announced. Repeatable."""
    return [
        row["model"]
        for row in registry.all_models(tenant)
        if row.get("live_version") and _begins_to_drift(s3, tenant, row["model"], row["live_version"])
    ]


def _begins_to_drift(s3: Any, tenant: str, model: str, version: str) -> bool:
    row = registry.find_version(tenant, model, version) or {}
    watch = _watch(s3, row)
    if watch is None:
        return False
    known = of(tenant, model, version)
    found = verdict.judge(watch, binned.of(tenant, model, version, watch), known)
    begins = found["status"] == verdict.DRIFTED and (known or {}).get("status") != verdict.DRIFTED
    if begins:  # before it is written: a crash between the two publishes it again rather than never
        events.publish("Drift Detected", {"tenant": tenant, "model": model, "version": version})
    noted = found | {"checked_at": table.now(), "left_out": watch.left_out}
    table.put(keys.drift(tenant, model, version), noted | {"forget_at": int(time.time()) + binned.KEPT_SECONDS})
    return begins


def _watch(s3: Any, version: Row) -> Watch | None:
    stored = objects.find_bytes(s3, **version["profile"]) if "profile" in version else None
    return Watch.of(version, json.loads(stored)) if stored else None


def of(tenant: str, model: str, version: str) -> Row | None:
    """Return what the last check found of a version, None before the first."""
    return table.get(keys.drift(tenant, model, version))


def shown(row: Row | None) -> Row:
    """Return what the last check found as the API shows it."""
    found = row or {"status": verdict.UNKNOWN, "rows": 0, "columns": [], "answers": None, "left_out": 0}
    names = ("status", "rows", "columns", "answers", "left_out")
    said = {"sentences": verdict.sentences(row), "proposal": verdict.proposal(found)}
    late = {"checked_at": found.get("checked_at"), "window_rows": found.get("window_rows", 0)}
    return {name: found[name] for name in names} | said | late
