"""What the trainer reads into a CSV file and its target."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sagemaker.serving.cells import is_numeric, number
from local.sagemaker.trainer.dataset import infer_problem_type, order_classes, prepare, read_table
from local.sagemaker.trainer.job import Job, JobFailed


def job(folder: Path, training: str, **settings: object) -> Job:
    (folder / "training.csv").write_text(training, encoding="utf-8")
    description: dict[str, object] = {
        "job_name": "j",
        "problem_type": None,
        "target": "y",
        "objective": None,
        "max_candidates": None,
        "max_runtime_seconds": None,
        "mode": "ENSEMBLING",
        "channels": {"training": [str(folder / "training.csv")], "validation": None},
        "validation_fraction": 0.2,
        "seed": 0,
    }
    (folder / "job.json").write_text(json.dumps(description | settings))
    return Job.read(folder)


@pytest.mark.parametrize(
    ("values", "problem_type"),
    [
        (["True.", "False.", "True."], "BinaryClassification"),
        (["0", "1"], "BinaryClassification"),
        (["1.5", "2.5"], "BinaryClassification"),
        (["a", "b", "c"], "MulticlassClassification"),
        (["1", "2", "3.0"], "MulticlassClassification"),
        (["1", "2", "3.5"], "Regression"),
        ([str(value) for value in range(21)], "Regression"),
        ([*map(str, range(300)), "unknown"], "MulticlassClassification"),
    ],
)
def test_the_problem_type_follows_from_the_targets_values(values: list[str], problem_type: str) -> None:
    assert infer_problem_type(values) == problem_type


@pytest.mark.parametrize(
    ("values", "ordered"),
    [
        (["True.", "False."], ("False.", "True.")),
        (["1", "0"], ("0", "1")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["yes", "no"], ("no", "yes")),
        (["1", "1.0"], ("1", "1.0")),
        (["NA", "EU"], ("EU", "NA")),
    ],
)
def test_classes_are_ordered_so_that_the_positive_one_is_last(values: list[str], ordered: tuple[str, ...]) -> None:
    assert order_classes(values) == ordered


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_that_python_writes_is_read_back(value: float) -> None:
    assert number(repr(value)) == value


@pytest.mark.parametrize("text", ["", "inf", "-Infinity", "nan", "1_000", "1,5", "0x10", "four"])
def test_what_is_no_finite_number_is_none(text: str) -> None:
    assert math.isnan(number(text))


def test_a_column_of_nulls_is_not_numeric() -> None:
    assert not is_numeric(["", "NA"])
    assert is_numeric(["", "NA", "7"])


def test_text_survives_reading_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeffa,y\n"one, two",True.\n"line\nbreak",False.\n007,NA\n,None\n', encoding="utf-8")
    table = read_table([path], "y")
    assert table["a"].tolist() == ["one, two", "line\nbreak", "007", ""]
    assert table["y"].tolist() == ["True.", "False.", "NA", "None"]


def test_gaps_in_a_numeric_target_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,y\n1,2\n2,NaN\n3,\n4,1e3\n", encoding="utf-8")
    assert read_table([path], "y")["y"].tolist() == ["2", "1e3"]


def test_the_files_of_a_channel_are_one_table_if_their_headers_agree(tmp_path: Path) -> None:
    first, second, other = tmp_path / "1.csv", tmp_path / "2.csv", tmp_path / "3.csv"
    for path, text in ((first, "a,y\n1,2\n"), (second, "a,y\n3,4\n"), (other, "b,y\n3,4\n")):
        path.write_text(text, encoding="utf-8")
    assert read_table([first, second], "y")["a"].tolist() == ["1", "3"]
    with pytest.raises(JobFailed, match=r"3\.csv does not have the same header as 1\.csv"):
        read_table([first, other], "y")


def test_bytes_that_are_not_utf_8_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("a,y\né,1\n".encode("latin-1"))
    with pytest.raises(JobFailed, match=r"latin\.csv cannot be read"):
        read_table([path], "y")


def test_the_split_keeps_the_share_of_each_class_and_is_the_same_each_time(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{n},{'rare' if n % 10 == 0 else 'usual'}\n" for n in range(200))
    first, again = (prepare(job(tmp_path, text)) for _ in range(2))
    assert np.bincount(first.validation.target.astype(int)).tolist() == [4, 36]
    assert first.validation.features["a"].tolist() == again.validation.features["a"].tolist()


def test_a_class_with_one_member_is_trained_on(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(20)) + "99,c\n"
    dataset = prepare(job(tmp_path, text))
    assert dataset.classes == ("a", "b", "c")
    assert 99 in dataset.train.features["a"].to_numpy()


def test_a_regression_refuses_a_target_that_is_no_number(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{n},{n}.5\n" for n in range(20)) + "99,about 7\n"
    with pytest.raises(JobFailed, match="'about 7' is not a finite number"):
        prepare(job(tmp_path, text, problem_type="Regression"))
