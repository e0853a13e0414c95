"""What a tenant sees of the registry's rows: chosen field by field, so that nothing internal slips out."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def model(row: Row) -> Row:
    """Return a model as the API shows it."""
    return {
        "model": row["model"],
        "settings": row["settings"],
        "live_version": row.get("live_version"),
        "updated_at": row.get("updated_at"),
    }


def version(row: Row) -> Row:
    """Return a version as the API shows it."""
    return {
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
            "created_at",
        )
    }


def execution(row: Row) -> Row:
    """Return an execution as the API shows it; what it has not reached yet is null."""
    shown = {
        name: row.get(name)
        for name in (
            "execution",
            "tenant",
            "model",
            "version",
            "status",
            "state",
            "started_at",
            "ended_at",
            "error",
            "rows",
        )
    }
    upload = row.get("upload", {})
    return shown | {
        "upload": {name: upload.get(name) for name in ("key", "version_id", "size_bytes", "uploaded_at")},
        "advice": row.get("advice", []),
        "training": row.get("training"),
        "endpoint": row.get("endpoint"),
        "left_behind": row.get("left_behind", []),
    }
