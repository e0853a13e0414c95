"""Plots: what `report.js` gives uPlot to draw, each with a table of the same points for those who do not see it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenantml_pages.report.elements import Element, Node, element, folded, table
from tenantml_pages.report.figures import number

LINE, DOTS, DASHED = "line", "dots", "dashed"


@dataclass(frozen=True)
class Series:
    """Values over the plot's x, one of them None where it has none, drawn as a line, as dots on it, or dashed."""

    label: str
    values: Sequence[float | None]
    drawn: str = LINE


def plot(
    caption: str,
    x: tuple[str, Sequence[float]],
    y: str,
    series: Sequence[Series],
    *,
    explained: str,
    square: bool = False,
    twin: Element | None = None,
    numbers: str = "Values as a table",
) -> Element:
    """Return a figure; `x` has its label and its values in ascending order, `square` says that both axes go from 0 to
    1, and `twin` is its table where that of its own points would say less.
    """
    label, values = x
    drawing: dict[str, Any] = {
        "x": list(values),
        "xLabel": label,
        "yLabel": y,
        "square": square,
        "series": [{"label": one.label, "values": list(one.values), "drawn": one.drawn} for one in series],
    }
    legend: list[Node] = [
        element("li", element("span", class_=f"key {one.drawn}", aria_hidden="true"), one.label) for one in series
    ]
    if twin is None:
        points = zip(values, *(one.values for one in series), strict=True)
        twin = table(caption, [label, *(one.label for one in series)], [[*map(number, row)] for row in points], words=0)
    drawn = element(
        "div", class_="plot", role="img", aria_label=f"{caption}. {explained}", data_plot=json.dumps(drawing)
    )
    return element(
        "figure",
        element("h3", caption),
        drawn,
        element("ul", legend, class_="legend"),
        element("figcaption", explained),
        folded(numbers, twin),
    )
