"""The three parts of a candidate and their files: what `model.tar.gz` holds and an endpoint loads.

An ENSEMBLING candidate is one container with all parts; an HPO candidate is a chain of containers with one part each.
"""

import json
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from local.sagemaker.serving.cells import Kind, cells_of

Rows = Sequence[Sequence[str]]
Floats = NDArray[np.float64]


class WrongColumns(ValueError):
    """A row does not have exactly the feature columns."""


@dataclass(frozen=True)
class Features:
    """From CSV rows to the frame that the models were fitted on."""

    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    generator: Any  # autogluon.features.generators.AbstractFeatureGenerator, fitted

    def raw(self, rows: Rows) -> pd.DataFrame:
        """Rows in training order without the target, as columns of numbers and of texts.

        Raises WrongColumns with the row's number (from 1) and both counts.
        """
        width = len(self.columns)
        for position, row in enumerate(rows, start=1):
            if len(row) != width:
                raise WrongColumns(f"row {position} has {len(row)} columns, the model was trained on {width} features")
        texts = zip(*rows, strict=True) if rows else [()] * width
        return typed(self.kinds, texts)

    def transform(self, raw: pd.DataFrame) -> pd.DataFrame:
        """The engineered features of raw rows."""
        return self.generator.transform(raw)


def typed(kinds: Sequence[Kind], texts: Iterable[Sequence[str]]) -> pd.DataFrame:
    """A frame from one sequence of cells a column. Its columns are called by their place, since some models refuse
    line breaks, brackets or quotes in a name.
    """
    columns = zip(kinds, texts, strict=True)
    return pd.DataFrame({str(place): cells_of(column, kind) for place, (kind, column) in enumerate(columns)})


@dataclass(frozen=True)
class Algorithm:
    """Fitted AutoGluon models and their weights: one member, or several in a weighted ensemble."""

    class_count: int  # 0 for regression
    members: tuple[tuple[float, Any], ...]  # weight, autogluon.core.models.AbstractModel
    probability_of_positive: (
        bool  # what HPO calls `probability` for two classes; ENSEMBLING means the predicted label's
    )

    def scores(self, features: pd.DataFrame) -> Floats:
        """Values (rows,) of a regression, else probabilities (rows, classes) in the order of the classes."""
        total = sum(
            weight * np.asarray(model.predict_proba(features), dtype=np.float64) for weight, model in self.members
        )
        scores = np.asarray(total, dtype=np.float64)
        return np.column_stack([1 - scores, scores]) if self.class_count == 2 else scores


@dataclass(frozen=True)
class Labels:
    """The target's values as answers spell them, ascending; of two the second is the positive class."""

    classes: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """What one container carries."""

    features: Features | None = None
    algorithm: Algorithm | None = None
    labels: Labels | None = None

    def save(self, folder: Path) -> None:
        """Write the parts into an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.features is not None:
            (folder / "features.pkl").write_bytes(pickle.dumps(self.features))
        if self.algorithm is not None:
            (folder / "algorithm.pkl").write_bytes(pickle.dumps(self.algorithm))
        if self.labels is not None:
            (folder / "labels.json").write_text(json.dumps(self.labels.classes), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Parts":
        """Read the parts that a folder holds. Unpickles: only for artefacts that our own trainer wrote."""
        features, algorithm, labels = folder / "features.pkl", folder / "algorithm.pkl", folder / "labels.json"
        return cls(
            features=pickle.loads(features.read_bytes()) if features.exists() else None,  # noqa: S301
            algorithm=pickle.loads(algorithm.read_bytes()) if algorithm.exists() else None,  # noqa: S301
            labels=Labels(tuple(json.loads(labels.read_text(encoding="utf-8")))) if labels.exists() else None,
        )
