"""What a tenant sees of the registry's rows: chosen field by field, so that nothing internal slips out."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging.baking import Served
from tenantml.domain.pricing import costs

Row = dict[str, Any]

AWAITING_FILE = "awaiting file"
"""The status of a batch whose file has not come."""

STATES = EMPTY, LIVE, PAUSED, RESUMING = "empty", "live", "paused", "resuming"
"""How a model can be: no version answered yet, one answers, none does by choice, or one soon does again."""


def model(row: Row, resumed_as: str | None, error: Row | None) -> Row:
    """Return a model as the API shows it; `resumed_as` is the version that is being deployed to end its pause, `error`
    why the last one that was did not.
    """
    return {
        "model": row["model"],
        "settings": row["settings"],
        "live_version": row.get("live_version"),
        "state": _state(row, resumed_as, error),
        "revision": row.get("revision", 0),
        "updated_at": row.get("updated_at"),
    }


def _state(row: Row, resumed_as: str | None, error: Row | None) -> Row:
    paused = row.get("paused") or {}
    status = RESUMING if resumed_as else PAUSED if paused else LIVE if row.get("live_version") else EMPTY
    return {
        "status": status,
        "paused_version": paused.get("version"),
        "paused_at": paused.get("at"),
        "paused_by": paused.get("by"),
        "resumes_as": resumed_as,
        "error": error,
    }


def upload(row: Row) -> Row:
    """Return an upload as the API shows it; what a form has not, and what has not come, is null."""
    return {name: row.get(name) for name in ("upload", "key", "size_bytes", "part_bytes", "version_id", "execution")}


def batch(row: Row) -> Row:
    """Return a batch as the API shows it, from its execution or, before its file has come, from its upload."""
    result, rows = row.get("result") or {}, row.get("row_count")
    return (
        {"status": row.get("status", AWAITING_FILE), "rows": rows, "expires_at": result.get("expires_at")}
        | {
            name: row.get(name)
            for name in ("batch", "model", "version", "execution", "started_at", "ended_at", "error")
        }
        | {"state": _place(row)}
        | {name: row.get(name) for name in ("quote", "cost")}
        | {"advice": row.get("advice", []), "left_behind": row.get("left_behind", [])}
    )


def version(row: Row, live_version: str | None) -> Row:
    """Return a version as the API shows it."""
    return {"live": row["version"] == live_version} | {
        name: row.get(name)
        for name in (
            "version",
            "model",
            "status",
            "execution",
            "problem_type",
            "objective",
            "candidate",
            "endpoint",
            "plan",
            "created_at",
            "promoted_at",
            "returns_to",
            "returned",
            "ended_at",
            "error",
            "evaluation",
            "verdict",
            "approval",
        )
    }


def version_details(row: Row, live_version: str | None, trained_by: Row, counted: Served) -> Row:
    """Return a version with what its execution says of its training, and what it answered."""
    return version(row, live_version) | {
        "served": {"requests": counted.requests, "failures": counted.failures, "mean_ms": counted.mean_ms},
        "candidates": (trained_by.get("training") or {}).get("candidates", []),
        "rows": trained_by.get("rows"),
        "advice": trained_by.get("advice", []),
    }


def execution(row: Row) -> Row:
    """Return an execution as the API shows it; what it has not reached yet is null."""
    return execution_summary(row) | {
        "advice": row.get("advice", []),
        "training": row.get("training"),
        "quote": row.get("quote"),
        "cost": costs.shown(row.get("cost")),
    }


def execution_summary(row: Row) -> Row:
    """Return an execution as a list shows it: without its advice, and without the candidates of its training."""
    shown = {
        name: row.get(name)
        for name in (
            "execution",
            "tenant",
            "model",
            "version",
            "status",
            "started_at",
            "ended_at",
            "error",
            "rows",
        )
    }
    upload = row.get("upload", {})
    training = row.get("training")
    return shown | {
        "state": _place(row),
        "upload": {name: upload.get(name) for name in ("key", "version_id", "size_bytes", "uploaded_at")},
        "training": training and {name: value for name, value in training.items() if name != "candidates"},
        "endpoint": row.get("endpoint_state"),
        "left_behind": row.get("left_behind", []),
    }


def _place(row: Row) -> Any:
    """Return the state that something is in; what has ended is in none, though its row keeps the last one."""
    return None if row.get("ended_at") else row.get("state")


def webhook(row: Row) -> Row:
    """Return a webhook as the API shows it; what signs for it is not in its row."""
    names = ("name", "url", "events", "status", "reason", "created_at", "updated_at", "delivered_at")
    return {name: row.get(name) for name in names}


def webhook_delivery(row: Row) -> Row:
    """Return a delivery as the API shows it; what is yet to come is null."""
    names = (
        "message", "type", "webhook", "status", "attempts", "outcome", "http_status", "created_at", "attempted_at",
        "next_attempt_at",
    )  # fmt: skip
    return {name: row.get(name) for name in names}
