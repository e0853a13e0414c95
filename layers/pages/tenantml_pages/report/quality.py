"""What the version is worth on the held-out rows: metrics, curves, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tenantml_pages.report.elements import Element, Node, element, folded, paragraph, quoted, section, table
from tenantml_pages.report.figures import gain, interval, number, share
from tenantml_pages.report.plots import DASHED, DOTS, Series, plot

Facts = Mapping[str, Any]
POINTS_IN_TABLES = 11


def sections_of(facts: Facts) -> Iterator[Element]:
    """Yield metrics, and for classes curves and calibration."""
    yield _metrics(facts)
    evaluation = facts["evaluation"] or {}
    if evaluation.get("roc") and evaluation.get("precision_recall"):
        yield _curves(evaluation)
    if evaluation.get("calibration"):
        yield _calibration(evaluation)


def _metrics(facts: Facts) -> Element:
    title = "Quality on held-out rows"
    evaluation = facts["evaluation"] or facts["version"].get("evaluation")
    if not evaluation:
        return section(
            "quality", title, paragraph("This version was not evaluated, so nothing is known of its quality.")
        )
    if not evaluation["metrics"]:
        what = (
            f"{evaluation['rows']:,} rows were held out, too few to measure anything on. Upload more rows: of 500 none "
            "can be spared, of 2,000 about 400 are held out."
        )
        return section("quality", title, paragraph(what))
    baseline, live = evaluation.get("baseline") or {}, evaluation.get("live") or {}
    if facts["evaluation"] is None:  # the version's summary has these of the objective alone
        objective = evaluation["objective"]
        baseline, live = (
            one and one | {"metrics": {objective: one["value"]}, "gains": {objective: one["gain"]}}
            for one in (baseline, live)
        )
    header: list[Node] = ["Metric", "This version", "95 % interval"]
    header += ["Always the same answer", "Gain"] if baseline else []
    header += ["Live version then", "Gain", "95 % interval of the gain"] if live else []
    rows: list[list[Node]] = []
    for metric, estimate in evaluation["metrics"].items():
        row: list[Node] = [metric, number(estimate["value"]), interval(estimate["low"], estimate["high"])]
        for rival in filter(None, (baseline, live)):
            change = rival["gains"].get(metric)
            row += [number(rival["metrics"].get(metric)), gain(change["value"]) if change else "–"]
            if rival is live:
                row.append(interval(change["low"], change["high"]) if change else "–")
        rows.append(row)
    said: list[Node] = [
        paragraph(
            f"Measured through the version's own endpoint on {evaluation['rows']:,} rows that no training saw. "
            f"{evaluation['objective']} is the objective, by which versions are compared. A gain above 0 is "
            "better, whichever way the metric points."
        )
    ]
    positive = evaluation.get("positive_class")
    if positive is not None:
        said.append(paragraph("F1, Precision, Recall and the curves mean the class ", quoted(positive), "."))
    if live:
        seen, text = live.get("rows_seen"), f"The live version then was {live['version']}, "
        text += (
            f"compared on the {live['rows']:,} rows on which neither was trained."
            if seen is not None
            else ("compared on all rows; it may have been trained on some of them, which favours it.")
        )
        said.append(paragraph(text))
    elif why := evaluation.get("not_compared"):
        said.append(paragraph(f"It was not compared with the version that was live: {why}."))
    return section("quality", title, said, table("Metrics on the held-out rows", header, rows))


def _curves(evaluation: Mapping[str, Any]) -> Element:
    positive = evaluation["positive_class"]
    roc, curve, rows = evaluation["roc"], evaluation["precision_recall"], evaluation["rows"]
    minority = next((one["rows"] for one in evaluation.get("per_class") or () if one["label"] == positive), None)
    frequency = minority / rows if minority and rows else None
    first = plot(
        "ROC curve",
        ("False positive rate", roc["x"]),
        "True positive rate",
        [Series("This version", roc["y"]), Series("Guessing", roc["x"], DASHED)],
        explained="How many of the positive rows are found, for how many false alarms among the others. The further "
        "above the dashed line, the better.",
        square=True,
        twin=_points("ROC curve", ("False positive rate", "True positive rate"), roc),
    )
    series = [Series("This version", curve["y"])]
    if frequency is not None:
        series.append(Series("Saying positive always", [frequency] * len(curve["x"]), DASHED))
    second = plot(
        "Precision and recall",
        ("Recall", curve["x"]),
        "Precision",
        series,
        explained="How often the version is right when it says positive, by how many of the positive rows it finds.",
        square=True,
        twin=_points("Precision and recall", ("Recall", "Precision"), curve),
    )
    thresholds = _thresholds(evaluation["thresholds"]) if evaluation.get("thresholds") else None
    return section("curves", "Curves and thresholds", element("div", first, second, class_="pair"), thresholds)


def _points(caption: str, names: tuple[str, str], curve: Mapping[str, Any]) -> Element:
    """Return a table of points evenly spread over a curve."""
    last = len(curve["x"]) - 1
    steps = min(POINTS_IN_TABLES - 1, last) or 1
    places = sorted({round(step * last / steps) for step in range(steps + 1)})
    rows = [[*(number(curve[axis][place]) for axis in ("x", "y", "thresholds"))] for place in places]
    return table(caption, [*names, "Threshold"], rows, words=0)


def _thresholds(thresholds: Mapping[str, Any]) -> Element:
    rows = thresholds["table"]
    cheapest = thresholds["cheapest"]
    shown = [row for row in rows if round(100 * row["threshold"]) % 10 == 0 or row["threshold"] == cheapest]
    costs = (thresholds["cost_false_positive"], thresholds["cost_false_negative"])
    text = (
        f"What becomes of the rows when positive is said from a threshold of its probability on. With a cost of "
        f"{number(costs[0])} for a false positive and {number(costs[1])} for a false negative, {number(cheapest)} is "
        "cheapest on these rows; choose a threshold on other rows than these, or the result looks better than it is."
    )
    header = ["Threshold", "True positives", "False positives", "False negatives", "True negatives", "Cost"]
    keys = ("true_positives", "false_positives", "false_negatives", "true_negatives", "cost")
    body = [[number(row["threshold"]), *(number(row[key]) for key in keys)] for row in shown]
    return folded("What a threshold would do", paragraph(text), table("Thresholds", header, body, words=0))


def _calibration(evaluation: Mapping[str, Any]) -> Element:
    found = evaluation["calibration"]
    bins = sorted(found["bins"], key=lambda one: one["mean_probability"])
    whose = "the positive class" if found["what"] == "positive class" else "the predicted label"
    said = [0.0, *(one["mean_probability"] for one in bins), 1.0]
    twin = table(
        "Reliability diagram",
        ["Probability said, on average", "How often it was so", "Rows"],
        [[share(one["mean_probability"]), share(one["share"]), f"{one['rows']:,}"] for one in bins],
        words=0,
    )
    drawn = plot(
        "Reliability diagram",
        ("Probability that the version says", said),
        "How often it is so",
        [Series("This version", [None, *(one["share"] for one in bins), None], DOTS), Series("Perfect", said, DASHED)],
        explained="On the dashed line, 70 % said is 70 % true. Below it the version is too sure of itself, above it "
        "too careful.",
        square=True,
        twin=twin,
    )
    text = (
        f"How far the probability of {whose} can be taken at its word: on average it is off by "
        f"{share(found['expected_error'])} (expected calibration error); the Brier score is {number(found['brier'])}, "
        "the lower the better."
    )
    return section("calibration", "Calibration", paragraph(text), drawn)
