"""Where the version is right and where wrong: by class, or by the size of what it predicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tenantml_pages.report.elements import Element, Node, element, folded, name, paragraph, section, table
from tenantml_pages.report.figures import number, share
from tenantml_pages.report.plots import DASHED, DOTS, Series, plot

Facts = Mapping[str, Any]
HEATS = 5  # shades of the confusion matrix, as report.css has them
FAINT = 0.02  # a share of a class that is not shaded
CLASSES_SHOWN = 15


def sections_of(facts: Facts) -> Iterator[Element]:
    """Yield the confusion matrix with its classes, or the residuals."""
    evaluation = facts["evaluation"] or {}
    if evaluation.get("confusion"):
        yield _classes(evaluation)
    if evaluation.get("residuals"):
        yield _residuals(evaluation["residuals"])


def _classes(evaluation: Mapping[str, Any]) -> Element:
    per_class = evaluation.get("per_class") or []
    header = ["Class", "Rows", "Predicted", "Precision", "Recall", "F1"]
    rows: list[list[Node]] = [
        [
            name(one["label"]),
            f"{one['rows']:,}",
            f"{one['predicted']:,}",
            *(number(one[metric]) for metric in ("precision", "recall", "f1")),
        ]
        for one in per_class
    ]
    more = len(rows) - CLASSES_SHOWN
    return section(
        "mistakes",
        "Right and wrong by class",
        paragraph("Each row of the matrix is what was true, each column what was predicted; the diagonal is right."),
        _matrix(evaluation["confusion"]),
        table("Each class", header, rows[:CLASSES_SHOWN]),
        folded(f"{more:,} more classes", table("Further classes", header, rows[CLASSES_SHOWN:])) if more > 0 else None,
    )


def _matrix(confusion: Mapping[str, Any]) -> Element:
    def labels() -> list[Node]:  # anew for rows and columns: an element is at one place
        return [*map(name, confusion["labels"]), *(["all others"] if confusion["others"] else [])]

    rows: list[list[Node]] = []
    for place, (label, counts) in enumerate(zip(labels(), confusion["counts"], strict=True)):
        total = sum(counts) or 1
        cells: list[Node] = [
            element(
                "td", f"{number_of:,}", element("small", share(number_of / total)) if number_of else None,
                class_=f"number {'right' if at == place else 'wrong'} heat-{_heat(number_of / total)}",
            )
            for at, number_of in enumerate(counts)
        ]  # fmt: skip
        rows.append([label, *cells])
    made = table(
        "Confusion matrix: true class by row, predicted class by column", ["Truth \\ prediction", *labels()], rows
    )
    made.set("class", "scroll matrix")
    return made


def _heat(part: float) -> int:
    return 0 if part < FAINT else min(HEATS, 1 + int(part * HEATS))


def _residuals(residuals: Mapping[str, Any]) -> Element:
    absolute = residuals["absolute_quantiles"]
    said = [
        f"{percent} % of the predictions are off by at most {number(absolute[percent])}"
        for percent in ("50", "90")
        if percent in absolute
    ]
    return section(
        "mistakes",
        "How far off",
        paragraph("; ".join(said) + ".") if said else None,
        element("div", _by_size(residuals), _by_share(residuals), class_="pair"),
    )


def _by_size(residuals: Mapping[str, Any]) -> Element:
    bins = sorted(residuals["by_prediction"], key=lambda one: one["mean_prediction"])
    predicted = [one["mean_prediction"] for one in bins]
    return plot(
        "Predicted and true",
        ("Prediction, mean of a tenth of the rows", predicted),
        "True value, mean",
        [Series("This version", [one["mean_truth"] for one in bins], DOTS), Series("Perfect", predicted, DASHED)],
        explained="Rows in tenths by their prediction. On the dashed line the version is right on average.",
        twin=table(
            "Predicted and true",
            ["Mean prediction", "Mean true value", "Rows"],
            [[number(one["mean_prediction"]), number(one["mean_truth"]), f"{one['rows']:,}"] for one in bins],
            words=0,
        ),
    )


def _by_share(residuals: Mapping[str, Any]) -> Element:
    percents = sorted(residuals["quantiles"], key=float)
    values = [residuals["quantiles"][percent] for percent in percents]
    return plot(
        "Residuals",
        (
            "Share of the rows, in percent",
            [int(percent) if percent.isdigit() else float(percent) for percent in percents],
        ),
        "True minus predicted",
        [Series("Residual", values, DOTS), Series("No error", [0.0] * len(values), DASHED)],
        explained="From the rows that were predicted most too high, on the left, to those most too low. Flat and near "
        "nothing is good.",
    )
