"""What Autopilot explains of a candidate: where its reports are, and what they say of the columns' importance.

Only the best candidate of a job has reports, and only if the job came to write them (SageMaker developer guide,
"Autopilot models generated").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tenantml.domain.names import CustomerAccount

ANALYSIS = "analysis.json"
MOST_ANALYSIS_BYTES = 8 * 1024**2
MOST_FEATURES = 1000
EXPLAINABILITY, MODEL_INSIGHTS, NOTEBOOK = KINDS = ("explainability", "model-insights", "notebook")
MODEL = "model"
"""The kind of a file that a container loads, beside the reports."""
AUTOPILOT, PERMUTATION = SOURCES = ("autopilot", "permutation")
NO_REPORT = (
    "Autopilot wrote no explainability report for this candidate: only the best candidate of a training has one, and "
    "the advice of the execution says when that failed, too"
)
NOT_READ = "the explainability report has not been read: the deployment has not come to it, or could not read it"
NOT_SHUFFLED = (
    "Autopilot explained nothing, and the endpoint did not answer while its columns were shuffled to find out"
)
UNREADABLE = "the explainability report is not in the form that SageMaker documents; the artefacts have it as it is"


@dataclass(frozen=True)
class Reports:
    """Where the reports are in the customer's bucket: folders, each ending in a slash, and the keys of notebooks."""

    explainability: str | None = None
    model_insights: str | None = None
    notebooks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, account: CustomerAccount, folder: str, candidate: dict[str, Any], job: dict[str, Any]) -> Reports:
        """Read where a candidate and its job (DescribeAutoMLJobV2's answer) say that they are; what is not under
        `folder` of the customer's bucket is left out.

        A job says it of its best candidate for certain, a list of candidates not in every case.
        """
        best = job.get("BestCandidate") or {}
        named = best if best.get("CandidateName") == candidate["CandidateName"] else {}
        places = _locations(candidate) or _locations(named)
        found = {
            name: account.key_of(f"{places[member].rstrip('/')}/", folder)
            for name, member in (("explainability", "Explainability"), ("model_insights", "ModelInsights"))
            if member in places
        }
        uris = sorted((job.get("AutoMLJobArtifacts") or {}).values())
        return cls(**found, notebooks=[key for uri in uris if (key := account.key_of(uri, folder))])

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    def places(self) -> list[tuple[str, str]]:
        """Return each folder and key with the kind of what is there."""
        folders = ((EXPLAINABILITY, self.explainability), (MODEL_INSIGHTS, self.model_insights))
        return [(kind, key) for kind, key in folders if key] + [(NOTEBOOK, key) for key in self.notebooks]

    def readable(self) -> list[str]:
        """Return the keys that a session may read; of a folder all that is under it."""
        return [f"{key}*" if key.endswith("/") else key for _, key in self.places()]


def importance_of(analysis: object) -> dict[str, Any]:
    """Return the importance of each feature from Clarify's `analysis.json`: `{feature, value, share}`, the most
    important first, at most 1,000, with the number of those left out.

    The value is the mean absolute SHAP value over the explained labels (SageMaker developer guide, "Analysis results");
    its share is of the sum of all.

    Raises:
        ValueError: it is not in the documented form.
    """
    labels = _member(_member(analysis, "explanations"), "kernel_shap")
    if not isinstance(labels, Mapping) or not labels:
        raise ValueError("no label is explained")
    sums: dict[str, float] = {}
    for label in labels.values():
        values = _member(label, "global_shap_values")
        if not isinstance(values, Mapping):
            raise ValueError("a label has no global_shap_values")
        for feature, value in values.items():
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise ValueError("a value is no number")
            sums[str(feature)] = sums.get(str(feature), 0.0) + abs(_float(value)) / len(labels)
    total = sum(sums.values())
    if not math.isfinite(total):
        raise ValueError("a value is no number, or too large for one")
    ranked = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    features = [
        {"feature": name, "value": value, "share": value / total if total else 0.0}
        for name, value in ranked[:MOST_FEATURES]
    ]
    return {
        "source": AUTOPILOT,
        "features": features,
        "left_out": max(0, len(ranked) - MOST_FEATURES),
        "reason": None,
        "rows": None,
    }


def nothing(reason: str) -> dict[str, Any]:
    """Return the importance of a version of which none is known, and why."""
    return {"source": None, "features": [], "left_out": 0, "reason": reason, "rows": None}


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # of a whole number, which JSON may write with any number of digits
        return math.inf


def _locations(candidate: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = (candidate.get("CandidateProperties") or {}).get("CandidateArtifactLocations") or {}
    return found


def _member(document: object, name: str) -> object:
    if not isinstance(document, Mapping):
        raise ValueError(f"{name} is not where it should be")
    return document.get(name)
