"""Permutation importance within a budget of rows: how much worse a score gets when one column is shuffled.

Breiman, "Random Forests" (2001), section 10; as in scikit-learn's `permutation_importance`, on a model of which nothing
is known but its answers. Columns that say the same share their importance or hide each other's: an association with the
answers, not a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from tenantml.domain.training.explanation import MOST_FEATURES, PERMUTATION

FEWEST_ROWS = 30
MOST_REPEATS = 5

Row = Sequence[str]


class NotScored(ValueError):
    """Answers to which no finite score can be given."""


Answers = TypeVar("Answers")


def permutation_importance(
    columns: Sequence[str],
    rows: Sequence[Row],
    predict: Callable[[list[Row]], Answers],
    score: Callable[[list[int], Answers], float],
    row_budget: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the importance of each column: `{feature, value, share}`, the most important first.

    `rows` have a cell per column. `predict` answers rows, and is asked at most `row_budget` rows in all; `score` says
    how good the answers to the rows of these indices are, more is better. Rows are drawn without replacement, the same
    for every column, and each column is shuffled up to five times: with fewer repeats rather than fewer than 30 rows.
    A value is how much the score loses on average, 0 where it gains; its share is of the sum of all.

    The result has the form of Autopilot's (`tenantml.domain.training.explanation`), `source` null with a `reason` when
    the budget or the rows are too few; of columns past the 1,000th only the number.

    Raises:
        NotScored: a score is no number.
        ValueError: a row has another number of cells than there are columns.
    """
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"a row does not have {len(columns)} cells")
    repeats = min(MOST_REPEATS, (row_budget // FEWEST_ROWS - 1) // max(1, len(columns)))
    if len(rows) < FEWEST_ROWS or repeats < 1:
        reason = (
            f"{len(columns)} columns of {len(rows)} rows cannot be shuffled with {row_budget} predictions: at least "
            f"{FEWEST_ROWS} rows are needed for each"
        )
        return _result([], reason, None)
    generator = np.random.default_rng(seed)
    count = min(len(rows), row_budget // (1 + repeats * len(columns)))
    chosen = sorted(int(place) for place in generator.choice(len(rows), count, replace=False))
    sample = [rows[place] for place in chosen]

    def scored(asked: list[Row]) -> float:
        found = score(chosen, predict(asked))
        if not np.isfinite(found):
            raise NotScored("a score is no number, so nothing can be said to be worse")
        return float(found)

    whole = scored(sample)
    losses = []
    for place, name in enumerate(columns):
        lost = [whole - scored(_shuffled(sample, place, generator)) for _ in range(repeats)]
        losses.append((max(0.0, float(np.mean(lost))), name))
    total = sum(loss for loss, _ in losses)
    features = [
        {"feature": name, "value": loss, "share": loss / total if total else 0.0}
        for loss, name in sorted(losses, key=lambda item: (-item[0], item[1]))
    ]
    return _result(features, None, count)


def _shuffled(sample: list[Row], place: int, generator: np.random.Generator) -> list[Row]:
    """Return the rows with the cells of one column in another order."""
    order = generator.permutation(len(sample))
    return [[*row[:place], sample[other][place], *row[place + 1 :]] for row, other in zip(sample, order, strict=True)]


def _result(features: list[dict[str, Any]], reason: str | None, rows: int | None) -> dict[str, Any]:
    return {
        "source": PERMUTATION if reason is None else None,
        "features": features[:MOST_FEATURES],
        "left_out": max(0, len(features) - MOST_FEATURES),
        "reason": reason,
        "rows": rows,
    }
