"""The leaderboard: every candidate that Autopilot tried, with all it measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenantml_pages.report.elements import Element, Node, element, paragraph, section, table
from tenantml_pages.report.figures import number

SHOWN = 50
SETS = ("Test", "Validation", None, "Train")  # whose value is shown where a metric has several


def section_of(facts: Mapping[str, Any]) -> Element:
    """Return the candidates, the best first."""
    title = "Candidates"
    candidates = facts["candidates"] or [
        {"name": row["name"], "status": row["status"], "metrics": [],
         "objective": {"name": row["metric"], "value": row["value"]} if row.get("metric") else None}
        for row in facts["version"].get("candidates") or ()
    ]  # fmt: skip
    if not candidates:
        return section("candidates", title, paragraph("Not known any more."))
    chosen = facts["version"].get("candidate")
    measured = [_values(candidate) for candidate in candidates]
    objective = next((row["objective"]["name"] for row in candidates if row.get("objective")), None)
    names = sorted({metric for values in measured for metric in values} - {objective})
    header: list[Node] = ["Candidate", "Status", *([objective] if objective else []), *names]
    rows: list[list[Node]] = []
    for candidate, values in list(zip(candidates, measured, strict=True))[:SHOWN]:
        mine = candidate["name"] == chosen
        label = element("strong", f"{candidate['name']} (this version)") if mine else candidate["name"]
        final = candidate.get("objective")
        row: list[Node] = [label, candidate["status"]]
        row += [number(final["value"]) if final and final["name"] == objective else "–"] if objective else []
        rows.append(row + [number(values.get(metric)) for metric in names])
    more = len(candidates) - len(rows)
    return section(
        "candidates",
        title,
        paragraph(
            f"Autopilot tried {len(candidates):,} models. Their values are of its own validation, on rows of the "
            "training set, and tend to be kinder than those on the held-out rows above."
        ),
        table("All candidates, the best first", header, rows, words=2),
        paragraph(f"{more:,} more are listed by GET …/candidates.") if more > 0 else None,
    )


def _values(candidate: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for measured_on in SETS:
        for metric in candidate.get("metrics") or ():
            if metric.get("set") == measured_on:
                found.setdefault(metric["name"], metric["value"])
    return found
