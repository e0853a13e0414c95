"""What a version is worth on its holdout, and the verdict: for the report and the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.screen import Screen, figure

Document = dict[str, Any]

# What `holdout` in report.json shows of the metrics, by problem type.
HEADLINES = {
    "BinaryClassification": {"Accuracy": "accuracy", "F1": "f1", "AUC": "auc"},
    "MulticlassClassification": {"Accuracy": "accuracy", "F1macro": "f1_macro"},
    "Regression": {"RMSE": "rmse", "R2": "r2"},
}
_WIDEST_CONFUSION = 12
_SHOWN_MISTAKES = 10
_SHOWN_COLUMNS = 5


def summed_up(evaluation: Document, verdict: Document) -> Document:
    """Return `evaluation` of report.json: `metrics`, `intervals`, `baseline`, `live` and `verdict`."""
    live = evaluation["live"]
    return {
        "metrics": {name: estimate["value"] for name, estimate in evaluation["metrics"].items()},
        "intervals": {name: [estimate["low"], estimate["high"]] for name, estimate in evaluation["metrics"].items()},
        "baseline": (evaluation["baseline"] or {}).get("metrics"),
        "live": live and {"version": live["version"], "metrics": live["metrics"]},
        "verdict": verdict,
    }


def headline(evaluation: Document) -> dict[str, float] | None:
    """Return `holdout` of report.json; None when no row was held out."""
    metrics = evaluation["metrics"]
    names = HEADLINES[evaluation["problem_type"]]
    return {shown: metrics[name]["value"] for name, shown in names.items() if name in metrics} or None


def show(evaluation: Document, verdict: Document, objective: Mapping[str, Any], screen: Screen) -> None:
    """Show metrics with intervals beside the leaderboard's and the baseline's, the errors, and the verdict."""
    latency = evaluation["latency"]
    asked = f", asked in calls of {latency['median_ms']:g} ms" if latency else ""
    screen.title("Holdout", f"{evaluation['rows']:,} rows that its training did not see{asked}")
    if evaluation["metrics"]:
        screen.table(_header(evaluation), list(_rows(evaluation, objective)))
        screen.line()
        _show_errors(evaluation, screen)
    screen.title("Verdict", f"{verdict['decision']}{'' if verdict['decided'] else ', by the setting `undecided`'}")
    for sentence in verdict["sentences"]:
        screen.line(sentence, indent=4)


def show_importance(importance: Document, screen: Screen) -> None:
    """Show the columns that count most, or why that is not known."""
    sources = {"autopilot": "as Autopilot explains it", "permutation": "by shuffling each column of the holdout"}
    screen.title("Importance", sources.get(importance["source"]) or importance["reason"])
    rows = [(row["feature"], f"{row['share']:.1%}") for row in importance["features"][:_SHOWN_COLUMNS]]
    if rows:
        screen.table(("column", "share"), rows)


def _header(evaluation: Document) -> tuple[str, ...]:
    return "metric", "value", "95 % interval", "leaderboard", "baseline", *(["live"] if evaluation["live"] else [])


def _rows(evaluation: Document, objective: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, estimate in evaluation["metrics"].items():
        board = figure(objective["value"]) if objective["name"] == name else ""
        others = [evaluation["baseline"], *([evaluation["live"]] if evaluation["live"] else [])]
        values = [figure(other["metrics"][name]) if name in other["metrics"] else "" for other in others]
        yield name, figure(estimate["value"]), f"{figure(estimate['low'])} – {figure(estimate['high'])}", board, *values


def _show_errors(evaluation: Document, screen: Screen) -> None:
    if evaluation["confusion"]:
        classes, counts = evaluation["confusion"]["labels"], evaluation["confusion"]["counts"]
        classes = [*classes, *(["all others"] if evaluation["confusion"]["others"] else [])]
        if len(classes) <= _WIDEST_CONFUSION:
            rows = [(name, *(f"{count:,}" for count in row)) for name, row in zip(classes, counts, strict=True)]
            screen.table(("true \\ predicted", *classes), rows)
        else:
            wrong = sorted(_mistakes(classes, counts), reverse=True)[:_SHOWN_MISTAKES]
            screen.table(("most often mistaken", "for", "times"), [(was, said, f"{n:,}") for n, was, said in wrong])
    elif evaluation["residuals"]:
        quantiles = evaluation["residuals"]["absolute_quantiles"]
        screen.table(
            ("share of rows", "error at most"), [(f"{name} %", figure(value)) for name, value in quantiles.items()]
        )


def _mistakes(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Iterator[tuple[int, str, str]]:
    for was, row in zip(classes, counts, strict=True):
        yield from ((count, was, said) for said, count in zip(classes, row, strict=True) if count and said != was)
