"""Which columns count for the version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenantml_pages.report.elements import Element, Node, element, name, paragraph, section, table
from tenantml_pages.report.figures import count, number, share

SHOWN = 30
SOURCES = {
    "autopilot": (
        "Autopilot's own explanation: the mean absolute SHAP value of each column, that is how far it moves the "
        "prediction on average."
    ),
    "permutation": (
        "Found by shuffling one column of the held-out rows after the other, and asking the endpoint again: the value "
        "is what that costs in quality."
    ),
}


def section_of(facts: Mapping[str, Any]) -> Element:
    """Return the columns that count most, and what the others add up to."""
    title, importance = "What counts", facts["importance"]
    if not importance or not importance["features"]:
        reason = (importance or {}).get("reason") or "it is deleted with the artefacts of its training"
        return section("importance", title, paragraph(f"Not known: {reason}."))
    features, left_out = importance["features"], importance.get("left_out") or 0
    most = max((row["share"] for row in features), default=0) or 1
    rows: list[list[Node]] = [
        [
            name(row["feature"]),
            element("td", element("progress", value=f"{max(row['share'], 0) / most:.4f}", max=1, aria_hidden="true")),
            share(max(row["share"], 0)),
            number(row["value"]),
        ]
        for row in features[:SHOWN]
    ]
    others = len(features) - len(rows) + left_out
    rest = sum(max(row["share"], 0) for row in features[SHOWN:])
    more = (
        f"The other {count(others, 'column')} come to {share(rest)} together"
        f"{', as far as they are kept' if left_out else ''}; GET …/importance lists {len(features):,} of them all."
    )
    made = table("Importance of the columns", ["Column", "Relative to the first", "Share", "Value"], rows, words=2)
    made.set("class", "scroll importance")
    return section(
        "importance",
        title,
        paragraph(SOURCES[importance["source"]]),
        paragraph(
            "A column that counts is associated with the target. It need not be its cause: to change the column need "
            "not change what comes of it."
        ),
        made,
        paragraph(more) if others > 0 else None,
    )
