"""What was trained on what, and what the check of the file advised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tenantml_pages.report.elements import (
    Element,
    Node,
    element,
    folded,
    name,
    paragraph,
    quoted,
    section,
    table,
)
from tenantml_pages.report.elements import (
    facts as listed,
)
from tenantml_pages.report.figures import count, moment, share, size
from tenantml_pages.report.verdict import rows_said

Facts = Mapping[str, Any]
COLUMNS_SHOWN, CLASSES_SHOWN, ADVICE_SHOWN = 100, 15, 60


def sections_of(facts: Facts) -> Iterator[Element]:
    """Yield the training set and the advice."""
    yield _training_set(facts)
    yield _advice(facts["version"].get("advice") or [])


def _training_set(facts: Facts) -> Element:
    profile, upload, version = facts["profile"] or {}, facts["upload"] or {}, facts["version"]
    settings, training = facts["settings"] or {}, facts["training"] or {}
    target, columns = profile.get("target") or {}, profile.get("columns") or []
    types = Counter(column.get("type", "unknown") for column in columns if column["name"] != target.get("column"))
    ignored = profile.get("ignore_columns") or []
    entity = settings.get("entity_column")
    problem = {"settings": "as the settings say", "data": "found in the data"}.get(target.get("problem_type_from", ""))
    held_out = "by a hash of the features" if not entity else "by a hash of the entity column"
    rows: list[tuple[str, Node]] = [
        ("Predicts", name(str(target.get("column") or settings.get("target") or "not known any more"))),
        ("Problem", f"{version.get('problem_type') or 'not known'}{f', {problem}' if problem else ''}"),
        ("Rows", rows_said(version.get("rows"), profile.get("rows", 0))),
        ("Held out", f"{held_out}, so that the same row is never on both sides"),
        ("Features", _types(types)),
        ("Left out", element("span", _names(ignored)) if ignored else None),
        ("Rows belong together by", name(entity) if entity else None),
        ("File", name(str(upload.get("key", "")).rpartition("/")[2]) if upload.get("key") else None),
        ("Size", size(upload["size_bytes"]) if upload.get("size_bytes") else None),
        ("Uploaded", moment(upload["uploaded_at"]) if upload.get("uploaded_at") else None),
        ("Trained with", f"Amazon SageMaker Autopilot, {training.get('mode') or 'mode not known'}"),
        ("Candidate", version.get("candidate")),
    ]
    return section("data", "What was trained on what", listed(rows), _classes(target), _columns(columns, target))


def _types(types: Counter[str]) -> str | None:
    if not types:
        return None
    total = sum(types.values())
    return f"{count(total, 'column')}: " + ", ".join(f"{found:,} {kind}" for kind, found in types.most_common())


def _names(names: list[str]) -> list[Node]:
    shown: list[Node] = []
    for each in names[:COLUMNS_SHOWN]:
        shown += [", " if shown else None, quoted(each)]
    return shown + ([f" and {len(names) - COLUMNS_SHOWN:,} more"] if len(names) > COLUMNS_SHOWN else [])


def _classes(target: Mapping[str, Any]) -> Element | None:
    classes = target.get("classes")
    if not classes:
        return None
    total = sum(one["rows"] for one in classes) or 1
    rows: list[list[Node]] = [
        [name(one["value"]), f"{one['rows']:,}", share(one["rows"] / total)] for one in classes[:CLASSES_SHOWN]
    ]
    if more := classes[CLASSES_SHOWN:]:
        left = sum(one["rows"] for one in more)
        rows.append([f"{count(len(more), 'more class', 'more classes')}", f"{left:,}", share(left / total)])
    return table("Classes of the target in the file", ["Class", "Rows", "Share"], rows)


def _columns(columns: list[Mapping[str, Any]], target: Mapping[str, Any]) -> Element | None:
    if not columns:
        return None
    rows: list[list[Node]] = [
        [
            name(column["name"]),
            f"{column.get('type', 'unknown')}{' (target)' if column['name'] == target.get('column') else ''}",
            f"{column['nulls']:,}" if "nulls" in column else "–",
            f"{'over ' if column.get('distinct_capped') else ''}{column['distinct']:,}"
            if "distinct" in column
            else "–",
        ]
        for column in columns[:COLUMNS_SHOWN]
    ]
    more = len(columns) - len(rows)
    made = table("Columns of the file", ["Column", "Type", "Missing", "Different values"], rows, words=2)
    left = f"{more:,} more columns are not shown." if more > 0 else None
    return folded(f"All {len(columns):,} columns" if more <= 0 else "Columns", made, left and paragraph(left))


def _advice(advice: list[Mapping[str, Any]]) -> Element:
    if not advice:
        return section("advice", "Advice on the data", paragraph("The check of the file found nothing to advise."))
    rows: list[list[Node]] = [
        [
            str(entry.get("rule")),
            name(entry["column"]) if entry.get("column") else "–",
            str(entry.get("message"))[:1000],
        ]
        for entry in advice[:ADVICE_SHOWN]
    ]
    more = len(advice) - len(rows)
    made = table("Advice", ["Rule", "Column", "What was found"], rows, words=3)
    made.set("class", "scroll prose")
    return section(
        "advice",
        "Advice on the data",
        paragraph("What is valid, was trained on, and may not be what was meant."),
        made,
        paragraph(f"{more:,} more entries are listed by GET …/executions.") if more > 0 else None,
    )
