"""The model card: what the version is for, what it does not know, what it costs, and how it is called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tenantml_pages.report.elements import Element, Node, bullets, element, paragraph, quoted, section
from tenantml_pages.report.elements import facts as listed
from tenantml_pages.report.figures import count, dollars, duration, milliseconds, moment, number, share

Facts = Mapping[str, Any]
COLUMNS_IN_EXAMPLE = 20
FEW_ROWS, FEW_OF_A_CLASS = 200, 30
SUSPICIOUS_AUC, SUSPICIOUS_SHARE = 0.99, 0.5
PLACEHOLDERS: dict[str, object] = {
    "integer": 1, "number": 1.5, "boolean": True, "date": "2026-11-22", "datetime": "2026-11-22T17:03:01Z",
}  # fmt: skip
NOT_KNOWN = "not known"


def sections_of(facts: Facts) -> Iterator[Element]:
    """Yield intended use, limits, cost, and how to call it."""
    yield _use(facts)
    yield section("limits", "Limits", bullets(_limits(facts)))
    yield _cost(facts)
    yield _call(facts)


def _target(facts: Facts) -> Node:
    target = ((facts["profile"] or {}).get("target") or {}).get("column") or (facts["settings"] or {}).get("target")
    return quoted(str(target)) if target else "its target"


def _use(facts: Facts) -> Element:
    return section(
        "use",
        "Intended use",
        paragraph(
            "To predict ", _target(facts), " of rows that come from where the training rows came from, with the same "
            "columns, each known at the time of the prediction.",
        ),
        paragraph(
            "Not intended: rows of other sources or other times than it was judged on, to explain why something "
            "happens, and decisions about people by the prediction alone.",
        ),
    )  # fmt: skip


def _limits(facts: Facts) -> Iterator[Node]:
    evaluation = facts["evaluation"] or facts["version"].get("evaluation") or {}
    uploaded = (facts["upload"] or {}).get("uploaded_at")
    since = f", uploaded on {moment(uploaded)}" if uploaded else ""
    yield f"It knows the world as the file had it{since}. Watch its quality on newer rows, and train again."
    yield from _limits_of_the_holdout(evaluation, facts["version"].get("evaluation") or {})
    auc = (evaluation.get("metrics") or {}).get("AUC")
    if auc and auc["value"] > SUSPICIOUS_AUC:
        yield f"AUC is {number(auc['value'])}, which is rare in practice: look for a column that gives the answer away."
    features = (facts["importance"] or {}).get("features") or []
    if features and features[0]["share"] > SUSPICIOUS_SHARE:
        first = share(features[0]["share"])
        advised = "Make sure that it is known, and means the same, at the time of the prediction."
        yield ["One column, ", quoted(features[0]["feature"]), f", has {first} of the importance. {advised}"]
    if (facts["settings"] or {}).get("unseen_category") == "reject":
        yield "A category that training did not see is refused."
    else:
        yield "A category that training did not see is answered, with advice; the answer is less certain than it looks."
    yield "Nothing was measured by groups of people. Where predictions concern people, compare the groups first."
    if evaluation.get("calibration"):
        yield "A probability is the model's own estimate; Calibration says how far it can be taken at its word."
    else:
        yield "A prediction comes without an interval of its own."


def _limits_of_the_holdout(evaluation: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[Node]:
    rows = evaluation.get("rows")
    if rows is not None and rows < FEW_ROWS:
        yield f"It was judged on {count(rows, 'row')}, which is few: every number here may be far off."
    if too_large := summary.get("rows_too_large", 0):
        yield f"Left out: {count(too_large, 'more held-out row')} larger than the endpoint takes at once."
    if (looks := summary.get("looks", 1)) > 1:
        yield (
            f"Versions were judged on these held-out rows {looks:,} times; the more often, the more a good value may "
            "be luck."
        )
    if rare := [one for one in evaluation.get("per_class") or () if one["rows"] < FEW_OF_A_CLASS]:
        yield [
            f"Fewer than {FEW_OF_A_CLASS} held-out rows are of ",
            [[", " if place else None, quoted(one["label"])] for place, one in enumerate(rare[:8])],
            f" and {count(len(rare) - 8, 'more class', 'more classes')}" if len(rare) > 8 else None,
            f": little can be said of {'this class' if len(rare) == 1 else 'these classes'}.",
        ]


def _cost(facts: Facts) -> Element:
    version, training = facts["version"], facts["training"] or {}
    plan, served = version.get("plan") or {}, version.get("served") or {}
    latency = (facts["evaluation"] or {}).get("latency")
    seconds = training.get("seconds")
    tried = version.get("candidates") or facts["candidates"] or []
    asked = None
    if latency:
        asked = (
            f"{milliseconds(latency['median_ms'])} for up to {latency['rows_per_call']:,} rows in the median of "
            f"{count(latency['calls'], 'call')}, {milliseconds(latency['slowest_ms'])} at most"
        )
    answered = None
    if served.get("requests"):
        answered = (
            f"{count(served['requests'], 'request')}, {served['failures']:,} failed, "
            f"{milliseconds(served['mean_ms'])} on average"
        )
    rows: list[tuple[str, Node]] = [
        ("Training", f"{duration(seconds)} from start to end of the AutoML job" if seconds is not None else NOT_KNOWN),
        ("Cost of the training", _training_cost(facts["cost"])),
        ("Candidates tried", f"{len(tried):,}" if tried else NOT_KNOWN),
        ("Endpoint", _endpoint(plan)),
        ("Cost of the endpoint", _endpoint_cost(facts, plan)),
        ("Why this one", plan.get("reason") or None),
        ("Endpoint's answers, evaluated", asked or NOT_KNOWN),
        ("Answered so far", answered or "nothing yet"),
    ]
    note = "Costs are what AWS would ask of the customer's account by known prices, before taxes and discounts."
    return section("cost", "Cost and speed", listed(rows), paragraph(note))


def _training_cost(cost: Facts | None) -> str:
    if cost is None or cost["training_usd"] is None:
        return NOT_KNOWN
    return f"{dollars(cost['training_usd'])} for {duration(cost['training_seconds'])} of instances; {cost['note']}"


def _endpoint_cost(facts: Facts, plan: Mapping[str, Any]) -> str:
    least, most = facts["endpoint_usd_per_hour"], facts.get("endpoint_most_usd_per_hour")
    if not least:
        return NOT_KNOWN
    said = f"{dollars(least, 3)} an hour"
    if plan.get("endpoint") == "none":
        return f"{said} while the version was judged, and nothing since"
    return f"{said}, and up to {dollars(most, 3)} with the most instances" if most and most != least else said


def _endpoint(plan: Mapping[str, Any]) -> str:
    if plan.get("endpoint") == "none":
        return "none: it stood while the version was judged, and batches run without one"
    if plan.get("instance_type"):
        count, most = plan.get("instance_count") or 1, plan.get("max_instances")
        instances = f"{count} to {most}" if most else f"{count}"
        return f"{instances} × {plan['instance_type']}, paid for as long as it stands"
    if plan.get("serverless_memory_mb"):
        return f"serverless with {plan['serverless_memory_mb']:,} MB, paid for while it answers"
    return NOT_KNOWN


def _call(facts: Facts) -> Element:
    model, profile = facts["version"]["model"], facts["profile"] or {}
    target = (profile.get("target") or {}).get("column")
    columns = [column for column in profile.get("columns") or () if column["name"] != target]
    row = {
        column["name"][:100]: PLACEHOLDERS.get(column.get("type", ""), column.get("type", "text"))
        for column in columns[:COLUMNS_IN_EXAMPLE]
    }
    more = len(columns) - len(row)
    request = json.dumps({"rows": [row]}, indent=2, ensure_ascii=False)
    command = (
        f'curl -sS "$TENANTML_API_URL/models/{model}/predictions" \\\n'
        "  -H \"x-api-key: $TENANTML_API_KEY\" -H 'content-type: application/json' \\\n"
        f"  --data-binary @- <<'JSON'\n{request}\nJSON"
    )
    said = "The live version answers, which the answer names."
    if not facts["version"]["live"]:
        said += " That is not this version now."
    return section(
        "call",
        "How to call it",
        paragraph(
            said + " The values below stand for yours. ", element("code", f"GET /models/{model}/openapi.json"),
            " has the live version's exact contract, from which clients are generated.",
        ),
        element("pre", element("code", command), tabindex="0"),
        paragraph(f"A row needs {more:,} more columns, which are not shown.") if more > 0 else None,
    )  # fmt: skip
