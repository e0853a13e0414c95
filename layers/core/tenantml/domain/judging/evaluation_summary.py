"""The summary of an evaluation: what of it the registry keeps on a version, and what the gate judges by.

`tenantml_analysis.evaluation` makes it, next to the full `evaluation.json`; the deployment's evaluating state writes it
on the version (under 4 KB), and `tenantml.domain.judging.gate` and the API's views read it. It holds numbers and names
of metrics, never a label of the tenant's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SUMMARY_FORMAT = 1


@dataclass(frozen=True)
class Estimate:
    """A value on the holdout, and the 95 % interval in which it may truly lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """By how much the new version is better than another on the same rows: less than nothing is worse, whichever way
    the metric points.

    `low` and `high` are the 95 % interval; `lower_bound` is what the gain exceeds with a confidence of 95 %.
    """

    value: float
    low: float
    high: float
    lower_bound: float


@dataclass(frozen=True)
class Rival:
    """What another model has of the objective metric on the same rows, and the new version's gain over it."""

    value: float
    gain: Gain


@dataclass(frozen=True)
class LiveRival(Rival):
    """The version that is live, compared on `rows` rows, `minority_rows` of which are not of the most frequent class:
    those on which neither was trained. `rows_seen` others are left out, for the live version may have been trained on
    them; None when that is unknown: then none are.
    """

    version: str
    rows: int
    minority_rows: int | None
    rows_seen: int | None


@dataclass(frozen=True)
class Summary:
    """An evaluation in few numbers.

    `minority_rows` counts the rows that are not of the most frequent class (of two classes: those of the rarer one),
    None for a regression. `metrics` lacks what could not be computed, such as AUC where every row is of one class.
    `live` is None when nothing is live, or when it could not be asked: then `not_compared` says why. `looks` is how
    many versions were judged on this holdout, or on most of its rows in other uploads, this one included.
    `rows_too_large` counts other rows of the holdout, each larger than the endpoint takes at once.
    """

    problem_type: str
    objective: str
    rows: int
    minority_rows: int | None
    resamples: int
    metrics: dict[str, Estimate]
    baseline: Rival | None
    live: LiveRival | None = None
    not_compared: str = ""
    looks: int = 1
    rows_too_large: int = 0

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"format": SUMMARY_FORMAT, **dataclasses.asdict(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Summary:
        """Return the summary that `as_document` wrote."""
        fields = {name: value for name, value in document.items() if name != "format"}
        baseline, live = fields["baseline"], fields["live"]
        return cls(
            **fields
            | {
                "metrics": {name: Estimate(**estimate) for name, estimate in fields["metrics"].items()},
                "baseline": baseline and Rival(baseline["value"], Gain(**baseline["gain"])),
                "live": live and LiveRival(**live | {"gain": Gain(**live["gain"])}),
            }
        )
