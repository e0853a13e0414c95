"""What the text of a CSV cell means, the same for training and for serving."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Spellings of "nothing here" in a feature; in a classification target only the empty cell is missing.
NULLS = frozenset({"", "#N/A", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"})


def number(text: str) -> float:
    """The number that a cell holds; NaN when it holds none (nulls, text, infinities, Python's `1_000`)."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and "_" not in text else math.nan


def numbers(texts: Iterable[str]) -> NDArray[np.float64]:
    """One float64 per cell, NaN where the cell holds no number."""
    return np.array([number(text) for text in texts], dtype=np.float64)


def is_numeric(texts: Iterable[str]) -> bool:
    """Whether every cell is a number or null, and at least one is a number."""
    seen = False
    for text in texts:
        if text in NULLS:
            continue
        if math.isnan(number(text)):
            return False
        seen = True
    return seen


def categories(texts: Iterable[str]) -> NDArray[np.object_]:
    """The cells as text, None where null."""
    return np.array([None if text in NULLS else text for text in texts], dtype=object)
