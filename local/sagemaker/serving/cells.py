"""Columns of a CSV as pandas reads them, the same for training and for serving; `tenantml.domain.meaning` says what a
cell means.

Dates are texts here, as for pandas: AutoGluon tells them apart.
"""

import math
from collections.abc import Collection
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tenantml.domain.meaning import boolean_of, is_missing, number_of

Kind = Literal["number", "boolean", "text"]


def kind_of(texts: Collection[str]) -> Kind:
    """Return what a column holds: numbers or booleans where each of its values is one, else texts."""
    values = {text for text in texts if not is_missing(text)}
    if values and all(number_of(text) is not None for text in values):
        return "number"
    return "boolean" if values and all(boolean_of(text) is not None for text in values) else "text"


def cells_of(texts: Collection[str], kind: Kind) -> NDArray[np.float64] | NDArray[np.object_]:
    """Return a column's cells: float64 with NaN, or texts with None, for what is missing or not of the kind."""
    if kind == "number":
        return np.array([_finite(text) for text in texts], dtype=np.float64)
    read = _truth if kind == "boolean" else _text
    return np.array([read(text) for text in texts], dtype=object)


def _finite(text: str) -> float:
    """Return a number, NaN for an infinite one: half of the models cannot be fitted on those."""
    number = number_of(text)
    return float(number) if number is not None and math.isfinite(number) else math.nan


def _truth(text: str) -> str | None:
    truth = boolean_of(text)
    return None if truth is None else str(truth)


def _text(text: str) -> str | None:
    return None if is_missing(text) else text
