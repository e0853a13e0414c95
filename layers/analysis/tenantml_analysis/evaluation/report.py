"""The schema of `evaluation.json`: everything that is known of a version on its holdout, in bounded size.

The evaluating state writes it beside the profile, as `json.dumps(evaluation.as_document())`: under 300 KB whatever the
number of rows and classes. It holds labels of the target, as the profile does, so it stays where the profile stays;
`summary` has what may leave: numbers. Numbers have six digits. What does not apply to the problem type is null.
"""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from typing import Annotated, Any

from tenantml.domain.judging.evaluation_summary import Estimate, Gain, LiveRival, Rival, Summary
from tenantml_analysis.evaluation.curves import Calibration, Curve, ThresholdRow

FORMAT = 1
CLASSES_MAX, CONFUSION_CLASSES_MAX, LABEL_CHARACTERS_MAX = 100, 15, 100


@dataclass(frozen=True)
class Comparison:
    """Another model on the same rows: its metrics, and by how much the new version is better."""

    metrics: dict[str, float]
    gains: dict[str, Gain]


@dataclass(frozen=True)
class LiveComparison(Comparison):
    """The live version, compared on `rows` rows of the holdout, `minority_rows` of which are not of the most frequent
    class. `rows_seen` others are left out, for it may have been trained on them; null when that is unknown: then none
    are.
    """

    version: str
    rows: int
    minority_rows: int | None
    rows_seen: int | None


@dataclass(frozen=True)
class ClassReport:
    """One class: how many rows are of it, how many were predicted so, and how well."""

    label: str
    rows: int
    predicted: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """Counts by true class (the lists) and predicted class (within each), in the order of the labels.

    The most frequent 15 classes have labels; when there are more, one list and one column follow for all others.
    """

    labels: list[str]
    others: bool
    counts: list[list[int]]


@dataclass(frozen=True)
class Thresholds:
    """What a threshold on the positive class's probability would do. To choose one here and then judge by it on the
    same rows would be too kind: choose it on other rows.
    """

    cost_false_positive: float
    cost_false_negative: float
    cheapest: Annotated[float, "The threshold of the least cost on these rows"]
    table: Annotated[list[ThresholdRow], "Every hundredth"]


@dataclass(frozen=True)
class PredictionBin:
    """Rows of about the same prediction: its mean, and the mean of what was true."""

    rows: int
    mean_prediction: float
    mean_truth: float


@dataclass(frozen=True)
class Residuals:
    """What was true minus what was predicted."""

    quantiles: Annotated[dict[str, float], "By percent"]
    absolute_quantiles: Annotated[dict[str, float], "Of the residuals without their sign, by percent"]
    by_prediction: Annotated[list[PredictionBin], "At most 10, from the smallest predictions to the largest"]


@dataclass(frozen=True)
class Latency:
    """How long the endpoint took to answer calls of at most so many rows, seen from the SaaS account."""

    calls: int
    rows_per_call: int
    median_ms: float
    slowest_ms: float

    @classmethod
    def of(cls, milliseconds: list[float], rows_per_call: int) -> Latency | None:
        """Return it of the calls that were timed, None of none."""
        if not milliseconds:
            return None
        return cls(
            len(milliseconds), rows_per_call, round(statistics.median(milliseconds), 1), round(max(milliseconds), 1)
        )


@dataclass(frozen=True)
class Evaluation:
    """An evaluation; a field's text is its description in `docs/evaluation.md`."""

    problem_type: Annotated[str, "Autopilot's: BinaryClassification, MulticlassClassification or Regression"]
    objective: Annotated[str, "The metric that the gate compares by"]
    rows: Annotated[int, "Rows of the holdout"]
    minority_rows: Annotated[int | None, "Rows that are not of the most frequent class"]
    classes: Annotated[int | None, "Classes that the holdout holds or a version knows"]
    positive_class: Annotated[str | None, "Of two classes, the one that F1, Precision, Recall and the curves mean"]
    resamples: Annotated[int, "Resamples of the bootstrap behind every interval"]
    metrics: Annotated[dict[str, Estimate], "Value and 95 % interval by metric; what cannot be computed is left out"]
    baseline: Annotated[Comparison | None, "The naive baseline: always the same answer"]
    live: Annotated[LiveComparison | None, "The version that is live, on the rows on which neither was trained"]
    not_compared: Annotated[str, "Why the live version was not compared; empty when it was, or when nothing is live"]
    per_class: Annotated[list[ClassReport] | None, "The most frequent 100 classes"] = None
    confusion: Annotated[Confusion | None, "The confusion matrix"] = None
    roc: Annotated[Curve | None, "Of two classes: false (x) and true (y) positive rates, at most 201 points"] = None
    precision_recall: Annotated[Curve | None, "Of two classes: recall (x) and precision (y), at most 200 points"] = None
    thresholds: Annotated[Thresholds | None, "Of two classes: counts and cost by threshold"] = None
    calibration: Annotated[Calibration | None, "Of classes: how far probabilities can be taken at their word"] = None
    residuals: Annotated[Residuals | None, "Of a regression whose numbers are not huge (1e120)"] = None
    latency: Annotated[Latency | None, "Of the new version's endpoint, while it was asked"] = None
    rows_too_large: Annotated[int, "Other rows of the holdout, each larger than the endpoint takes at once"] = 0

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    def summary(self, looks: int = 1) -> Summary:
        """Return what the registry keeps and the gate judges by; `looks` counts the versions that were judged on
        most of these rows.
        """
        live, not_compared = self._live(), self.not_compared
        if self.live is not None and live is None:
            not_compared = f"{self.objective} cannot be computed"
        return Summary(
            problem_type=self.problem_type,
            objective=self.objective,
            rows=self.rows,
            minority_rows=self.minority_rows,
            resamples=self.resamples,
            metrics=self.metrics,
            baseline=_rival(self.baseline, self.objective),
            live=live,
            not_compared=not_compared,
            looks=looks,
            rows_too_large=self.rows_too_large,
        )

    def _live(self) -> LiveRival | None:
        rival = _rival(self.live, self.objective)
        if self.live is None or rival is None:
            return None
        live = self.live
        return LiveRival(rival.value, rival.gain, live.version, live.rows, live.minority_rows, live.rows_seen)


def _rival(comparison: Comparison | None, objective: str) -> Rival | None:
    if comparison is None or objective not in comparison.gains:
        return None
    return Rival(comparison.metrics[objective], comparison.gains[objective])


def shortened(label: str) -> str:
    """Return a label in the characters that a report has room for."""
    return label if len(label) <= LABEL_CHARACTERS_MAX else label[: LABEL_CHARACTERS_MAX - 1] + "…"
