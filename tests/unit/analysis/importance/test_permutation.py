"""Permutation importance: what decides comes first, what does nothing is 0, and the budget is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import inspection
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from tenantml_analysis.importance import NotScored, permutation_importance
from tenantml_analysis.importance.permutation import FEWEST_ROWS, MOST_REPEATS

COLUMNS = ["age", "plan", "noise"]
ROWS = [[str(number % 50), "pro" if number % 3 else "basic", str(number)] for number in range(400)]


class Model:
    """Says yes to the young on a plan; counts the rows that it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, rows: list[Sequence[str]]) -> list[bool]:
        self.asked += len(rows)
        return [int(row[0]) < 25 and row[1] == "pro" for row in rows]


TRUTH = Model().predict(list(ROWS))


def accuracy(places: list[int], answers: list[bool]) -> float:
    return sum(TRUTH[place] == answer for place, answer in zip(places, answers, strict=True)) / len(places)


def test_what_decides_comes_first_and_what_the_model_ignores_counts_nothing() -> None:
    found = permutation_importance(COLUMNS, ROWS, Model().predict, accuracy, row_budget=10_000)
    assert [row["feature"] for row in found["features"]] == ["age", "plan", "noise"]
    assert found["features"][-1] == {"feature": "noise", "value": 0.0, "share": 0.0}
    assert sum(row["share"] for row in found["features"]) == pytest.approx(1)
    assert (found["source"], found["reason"], found["rows"]) == ("permutation", None, 400)


def test_it_is_the_same_for_the_same_seed_and_leaves_the_rows_alone() -> None:
    before = [list(row) for row in ROWS]
    first, again, other = (
        permutation_importance(COLUMNS, ROWS, Model().predict, accuracy, row_budget=700, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert before == ROWS


@settings(max_examples=50)
@given(st.integers(0, 3000), st.integers(0, 120), st.integers(1, 8))
def test_the_budget_is_never_exceeded_and_less_than_it_needs_is_said(budget: int, rows: int, width: int) -> None:
    columns = [f"c{number}" for number in range(width)]
    asked: list[int] = []

    def predict(given: list[Sequence[str]]) -> int:
        asked.append(len(given))
        return len(given)

    found = permutation_importance(
        columns, [["x"] * width] * rows, predict, lambda places, _: float(len(places)), row_budget=budget
    )
    assert sum(asked) <= budget
    enough = rows >= FEWEST_ROWS and budget >= FEWEST_ROWS * (1 + width)
    assert (found["source"] is not None) == enough == (found["reason"] is None)
    if enough:
        repeats, rest = divmod(len(asked) - 1, width)
        assert (rest, 1 <= repeats <= MOST_REPEATS) == (0, True)
        assert set(asked) == {found["rows"]}
        assert found["rows"] >= FEWEST_ROWS
    else:
        assert (asked, found["features"]) == ([], [])


def test_scikit_learn_finds_the_same() -> None:
    random = np.random.default_rng(5)
    values = random.normal(size=(2000, 4))
    target = 3 * values[:, 0] - 2 * values[:, 1] + 0.5 * values[:, 2] + random.normal(size=2000) / 10
    model = LinearRegression().fit(values, target)
    theirs = inspection.permutation_importance(model, values, target, scoring="r2", n_repeats=5, random_state=0)

    def predict(rows: list[Sequence[str]]) -> Any:
        return model.predict(np.array(rows, dtype=np.float64))

    found = permutation_importance(
        ["a", "b", "c", "d"],
        [[repr(float(cell)) for cell in row] for row in values],
        predict,
        lambda places, answers: float(r2_score(target[places], answers)),
        row_budget=2000 * 21,
    )
    ours = {row["feature"]: row["value"] for row in found["features"]}
    assert list(ours) == ["a", "b", "c", "d"]
    assert [ours[name] for name in "abcd"] == pytest.approx(theirs.importances_mean, rel=0.1, abs=0.001)


def test_a_score_that_is_no_number_and_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        permutation_importance(COLUMNS, ROWS, Model().predict, lambda *_: float("nan"), row_budget=10_000)
    with pytest.raises(ValueError, match="does not have 2 cells"):
        permutation_importance(COLUMNS[:2], ROWS, Model().predict, accuracy, row_budget=10_000)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_answers_without_a_finite_score_say_nothing(score: float) -> None:
    with pytest.raises(NotScored):
        permutation_importance(COLUMNS, ROWS, Model().predict, lambda *_: score, row_budget=700)
