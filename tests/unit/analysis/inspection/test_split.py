"""The split: deterministic, stratified, nothing in both parts, and training never under its minimum."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest

from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect


def split(rows: list[str], **options: Any) -> tuple[Inspection, list[str], list[str]]:
    train, holdout = io.BytesIO(), io.BytesIO()
    settings = InspectionSettings(**({"target": "y", "seed": "upload"} | options))
    found = inspect([("x,y\n" + "\n".join(rows)).encode()], settings, train, holdout)
    parts = [part.getvalue().decode().splitlines()[1:] for part in (train, holdout)]
    return found, parts[0], parts[1]


def rows_of(count: int) -> list[str]:
    return [f"{n},{'rare' if n % 10 == 0 else 'often'}" for n in range(count)]


def test_one_row_in_five_of_every_class_is_held_out() -> None:
    found, train, holdout = split(rows_of(5000))
    assert Counter(row.split(",")[1] for row in holdout) == {"rare": 100, "often": 900}
    assert (found.train_rows, found.holdout_rows) == (4000, 1000)
    assert sorted(train + holdout) == sorted(rows_of(5000))


def test_a_file_sorted_by_class_is_split_alike() -> None:
    _, _, holdout = split(sorted(rows_of(5000), key=lambda row: row.split(",")[1]))
    assert Counter(row.split(",")[1] for row in holdout) == {"rare": 100, "often": 900}


def test_the_same_upload_is_split_the_same_and_another_one_is_not() -> None:
    assert split(rows_of(2000))[1:] == split(rows_of(2000))[1:]
    assert split(rows_of(2000))[2] != split(rows_of(2000), seed="another upload")[2]


@pytest.mark.parametrize("count", [500, 501, 569, 620, 625, 626])
def test_training_keeps_its_minimum_and_the_holdout_shrinks_evenly(count: int) -> None:
    found, train, holdout = split(rows_of(count))
    assert len(train) == found.train_rows >= 500
    assert len(holdout) == found.holdout_rows == min(count - 500, round(count / 5))
    rare = Counter(row.split(",")[1] for row in holdout)["rare"]
    assert abs(rare - len(holdout) / 10) <= 1


def test_a_large_holdout_is_thinned_over_the_whole_file() -> None:
    rows = rows_of(50_000)
    found, train, holdout = split(rows, holdout_rows_max=1000)
    places = [int(row.split(",")[0]) // 10_000 for row in holdout]
    assert 500 <= found.holdout_rows <= 1000
    assert min(Counter(places).values()) > 0.8 * len(holdout) / 5
    assert Counter(train + holdout) == Counter(rows)


def test_rows_without_a_target_go_to_training() -> None:
    rows = [*rows_of(1000), *["7,"] * 100]
    found, train, holdout = split(rows)
    assert train.count("7,") == 100
    assert "7," not in holdout
    assert [entry["rule"] for entry in found.advice if entry["column"] == "y"] == ["rows-without-target"]


def test_numbers_are_split_evenly_too() -> None:
    found, _, _ = split([f"{n},{n / 7:.4f}" for n in range(10_000)])
    assert abs(found.holdout_rows - 2000) <= 30
