"""`report.json`: what a demonstration did, and whether all of it really happened."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenantml_cli.tenant_api import Document

# The objective metrics that are better when smaller (Autopilot's metrics of regression).
_SMALLER_IS_BETTER = {"MAE", "MSE", "RMSE"}


@dataclass
class Report:
    """What happened so far; `error` is `{code, message, calls_in_customer_account}`, and absent from a success;
    `retrained` has the versions of a demonstration with retrains, and is absent from others.
    """

    tenant: str
    model: str
    version: str | None = None
    problem_type: str | None = None
    rows: dict[str, int] | None = None
    advice: list[dict[str, Any]] = field(default_factory=list)
    objective: dict[str, Any] | None = None
    candidates: list[dict[str, Any]] = field(default_factory=list)
    holdout: dict[str, float] | None = None
    evaluation: dict[str, Any] | None = None
    importance: dict[str, Any] | None = None
    quote: dict[str, Any] | None = None
    spending: dict[str, Any] | None = None
    endpoint: dict[str, str] | None = None
    api: dict[str, Any] | None = None
    timings_seconds: dict[str, float] = field(default_factory=dict)
    left_behind: list[str] | None = None
    retrained: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None

    def read(self, document: Document) -> None:
        """Read a succeeded execution from the tenant's API; candidates best first."""
        training = document["training"]
        self.version = document["version"]
        self.problem_type = training["problem_type"]
        self.rows = {part: document["rows"][part] for part in ("train", "holdout")}
        self.objective = {part: training["objective"][part] for part in ("name", "value")}
        self.candidates = leaderboard(training["candidates"])

    def fail(self, code: str, message: str, **evidence: Any) -> None:
        """Keep the first failure: those that follow from it explain nothing."""
        if self.error is None:
            self.error = {"code": code, "message": message, **evidence}

    def shortcomings(self) -> list[str]:
        """What is missing from a success; empty for a complete one."""
        if self.error is not None:
            return [f"the demonstration ended in {self.error['code']}"]
        metrics = (self.holdout or {}).values()
        rows = self.rows or {}
        endpoint = self.endpoint or {}
        checks = {
            "no candidate is on the leaderboard": bool(self.candidates),
            "nothing was trained on": bool(rows.get("train")),
            # A file of 500 rows leaves none to hold out.
            "the version was not evaluated": (bool(metrics) and all(map(math.isfinite, metrics)))
            or not rows.get("holdout"),
            "the predict API answered nothing": bool(self.api and self.api["requests"]),
            "the endpoint was not in service": endpoint.get("status") == "InService",
            "the customer's account was not verified to be empty": self.left_behind is not None,
            "something is left in the customer's account": not self.left_behind,
        }
        return [reason for reason, holds in checks.items() if not holds]

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        document = dataclasses.asdict(self)
        if self.error is None:
            del document["error"]
        if not self.retrained:
            del document["retrained"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def leaderboard(candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name, metric and value of the candidates that have a value, best first."""
    scored = [
        {part: candidate[part] for part in ("name", "metric", "value")}
        for candidate in candidates
        if candidate.get("value") is not None
    ]
    return sorted(scored, key=lambda row: row["value"] if row["metric"] in _SMALLER_IS_BETTER else -row["value"])
