"""The sample table: the same everywhere, with something to find in it, and not too much."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score

from local import sample

NUMBERS = [name for name in sample.COLUMNS if name.endswith(("Mins", "Calls", "Charge", "Length", "Message"))]
YES_OR_NO = ("Int'l Plan", "VMail Plan")


def test_the_same_rows_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    sample.write(tmp_path / "a.csv", 200, seed=3)
    sample.write(tmp_path / "b.csv", 200, seed=3)
    sample.write(tmp_path / "other.csv", 200, seed=4)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "other.csv").read_bytes()


def test_more_rows_only_add_rows() -> None:
    assert list(sample.rows(50)) == list(sample.rows(80))[:50]


def test_the_table_has_the_columns_of_the_churn_set_and_its_two_classes(tmp_path: Path) -> None:
    sample.write(tmp_path / "deep" / "churn.csv", 500)
    with (tmp_path / "deep" / "churn.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == [*sample.COLUMNS]
    assert len(rows) == 500
    assert all(len(row) == 21 and all(row) for row in rows)
    assert {row[-1] for row in rows} == {"True.", "False."}
    assert len({row[header.index("Phone")] for row in rows}) == 500


def test_there_is_signal_to_find_and_noise_to_miss() -> None:
    table = list(sample.rows())
    features = [[*(float(row[name]) for name in NUMBERS), *(row[name] == "yes" for name in YES_OR_NO)] for row in table]
    leaves = [row[sample.TARGET] == sample.LEAVES for row in table]
    assert 0.1 < sum(leaves) / len(leaves) < 0.3
    cut = len(table) * 4 // 5
    model = HistGradientBoostingClassifier(random_state=0, max_iter=60).fit(features[:cut], leaves[:cut])
    found = f1_score(leaves[cut:], model.predict(features[cut:]))
    assert 0.75 < found < 0.97


def test_the_command_writes_what_its_arguments_ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["sample", str(tmp_path / "c.csv"), "--rows", "12", "--seed", "9"])
    sample.main()
    sample.write(tmp_path / "d.csv", 12, 9)
    assert (tmp_path / "c.csv").read_bytes() == (tmp_path / "d.csv").read_bytes()
