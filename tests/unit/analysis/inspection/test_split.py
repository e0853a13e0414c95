"""The split: by the rows alone, nothing in both parts, and training never under its minimum."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest

from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect


def split(rows: list[str], **options: Any) -> tuple[Inspection, list[str], list[str]]:
    train, holdout = io.BytesIO(), io.BytesIO()
    settings = InspectionSettings(**({"target": "y", "salt": "salt"} | options))
    found = inspect([("x,y\n" + "\n".join(rows)).encode()], settings, train, holdout)
    parts = [part.getvalue().decode().splitlines()[1:] for part in (train, holdout)]
    return found, parts[0], parts[1]


def rows_of(count: int) -> list[str]:
    return [f"{n},{'rare' if n % 10 == 0 else 'often'}" for n in range(count)]


def test_about_one_row_in_five_of_every_class_is_held_out() -> None:
    found, train, holdout = split(rows_of(5000))
    held = Counter(row.split(",")[1] for row in holdout)
    assert held["rare"] == pytest.approx(100, abs=5 * 80**0.5)
    assert held["often"] == pytest.approx(900, abs=5 * 720**0.5)
    assert (found.train_rows, found.holdout_rows) == (len(train), len(holdout))
    assert sorted(train + holdout) == sorted(rows_of(5000))


def test_the_order_of_rows_does_not_count() -> None:
    in_order, by_class = split(rows_of(5000)), split(sorted(rows_of(5000), key=lambda row: row.split(",")[1]))
    assert sorted(in_order[2]) == sorted(by_class[2])
    assert in_order[0].rule == by_class[0].rule


def test_the_same_upload_is_split_the_same_and_another_models_is_not() -> None:
    assert split(rows_of(2000))[1:] == split(rows_of(2000))[1:]
    assert split(rows_of(2000))[2] != split(rows_of(2000), salt="another model")[2]


@pytest.mark.parametrize("count", [500, 501, 569, 620, 625, 626])
def test_training_keeps_its_minimum(count: int) -> None:
    found, train, holdout = split(rows_of(count))
    assert len(train) == found.train_rows >= 500
    assert len(holdout) == found.holdout_rows == min(count - 500, below_the_threshold(count))
    assert sorted(train + holdout) == sorted(rows_of(count))


def below_the_threshold(count: int) -> int:
    """How many of so many rows would be held out if training had no minimum."""
    return split(rows_of(count), min_training_rows=1)[0].holdout_rows


def test_a_large_holdout_is_thinned_over_the_whole_file() -> None:
    rows = rows_of(50_000)
    found, train, holdout = split(rows, holdout_rows_max=1000)
    places = [int(row.split(",")[0]) // 10_000 for row in holdout]
    assert 500 <= found.holdout_rows <= 1000
    assert min(Counter(places).values()) > 0.7 * len(holdout) / 5
    assert Counter(train + holdout) == Counter(rows)


def test_rows_without_a_target_go_to_training_where_autopilot_leaves_them_out() -> None:
    rows = [*rows_of(1000), *["7,"] * 100]
    found, train, holdout = split(rows)
    assert train.count("7,") == 100
    assert "7," not in holdout
    assert (found.train_rows, found.holdout_rows) == (len(train) - 100, len(holdout)), "what is learned from"
    assert [entry["rule"] for entry in found.advice if entry["column"] == "y"] == ["rows-without-target"]


def test_numbers_are_split_evenly_too() -> None:
    found, _, _ = split([f"{n},{n / 7:.4f}" for n in range(10_000)])
    assert found.holdout_rows == pytest.approx(2000, abs=5 * 40)
