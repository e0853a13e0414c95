"""The verdict in words: whether this version answers, why, and the few numbers that say what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tenantml_pages.report.elements import Element, Node, bullets, element, paragraph, quoted, section
from tenantml_pages.report.figures import count, moment, short

Facts = Mapping[str, Any]


def section_of(facts: Facts) -> Element:
    """Return what a reader needs who reads no further."""
    version = facts["version"]
    found, approval = version.get("verdict") or {}, version.get("approval") or {}
    content: list[Node] = [paragraph(headline(version), class_="headline")]
    if tiles := list(_tiles(facts)):
        content.append(element("dl", (element("div", *tile) for tile in tiles), class_="tiles"))
    if sentences := found.get("sentences"):
        content += [paragraph("When it was judged:"), bullets(sentences)]
    if found and not found.get("decided", True):
        content.append(paragraph("The held-out rows are too few to decide by; a setting of the model decided."))
    if (error := version.get("error")) and error.get("message") not in (found.get("sentences") or ()):
        content.append(paragraph(element("strong", f"{error.get('code')}: "), str(error.get("message"))))
    if approval:
        content.append(paragraph(_approval(approval)))
    return section("verdict", "Verdict", content)


def headline(version: Mapping[str, Any]) -> str:
    """Say in one sentence what the version is now."""
    status, error = version.get("status"), version.get("error")
    if version["live"]:
        since = version.get("promoted_at")
        return f"This version is live: it answers predictions{f', first on {moment(since)}' if since else ''}."
    if status == "awaiting approval":
        return "This version waits for a person to approve it; it does not answer yet."
    if version.get("promoted_at"):
        return f"This version was live from {moment(version['promoted_at'])} on, and does not answer any more."
    if error:
        return f"This version did not go live: {error.get('code')}."
    if version.get("ended_at"):
        return "This version does not answer."
    return "This version is being deployed; it does not answer yet."


def _tiles(facts: Facts) -> Iterator[tuple[Node, ...]]:
    summary = facts["version"].get("evaluation")
    if not summary:
        return

    def tile(label: str, value: str, note: str) -> tuple[Node, ...]:
        return element("dt", label), element("dd", value), element("dd", note, class_="note")

    objective = summary["objective"]
    if estimate := summary["metrics"].get(objective):
        within = f"95 % interval {short(estimate['low'])} to {short(estimate['high'])}"
        yield tile(objective, short(estimate["value"]), within)
    for label, rival in (("Gain over always the same answer", "baseline"), ("Gain over the live version then", "live")):
        if found := summary.get(rival):
            change = found["gain"]
            better = "better" if change["value"] > 0 else "no better" if change["value"] == 0 else "worse"
            sign = "+" if change["value"] > 0 else ""
            yield tile(label, f"{sign}{short(change['value'])}", f"{better} than {short(found['value'])}")
    yield tile("Held-out rows", f"{summary['rows']:,}", "never seen in training")


def _approval(approval: Mapping[str, Any]) -> Element:
    if not approval.get("decision"):
        return element("span", f"A person is asked until {moment(approval.get('until'))}.")
    reason = approval.get("reason")
    return element(
        "span",
        f"Approval: {approval['decision']}, by {approval.get('by') or 'nobody'}, {moment(approval.get('decided_at'))}",
        [": ", quoted(reason)] if reason else None,
        ".",
    )


def rows_said(rows: Mapping[str, Any] | None, in_file: int = 0) -> str | None:
    """Say how many rows were trained on and held out, and how many more of the file had no target."""
    if not rows:
        return None
    trained, held_out = rows.get("train", 0), rows.get("holdout", 0)
    left_out = in_file - trained - held_out
    said = f"{count(trained, 'row')} trained on, {count(held_out, 'row')} held out"
    return said + (f", {count(left_out, 'row')} without a target left out" if left_out > 0 else "")
