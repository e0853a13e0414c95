"""What the trainer reads into a CSV file and its target."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sagemaker.serving.cells import Kind, cells_of, kind_of
from local.sagemaker.trainer.dataset import Target, infer_problem_type, prepare, read_table
from local.sagemaker.trainer.job import Job, JobFailed
from tenantml.domain.meaning import NULL_WORDS, is_missing


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
        (["0", "1.0", "01"], "BinaryClassification"),
        (["TRUE", "True", "false"], "BinaryClassification"),
        (["1.5", "2.5"], "BinaryClassification"),
        (["a", "b", "c"], "MulticlassClassification"),
        (["yes", "Yes", "yes "], "MulticlassClassification"),
        (["1", "2", "3.0"], "MulticlassClassification"),
        (["1", "2", "3.5"], "Regression"),
        ([str(value) for value in range(21)], "Regression"),
        ([*map(str, range(300)), "unknown"], "MulticlassClassification"),
    ],
)
def test_the_problem_type_follows_from_the_targets_classes(values: list[str], problem_type: str) -> None:
    target = Target.of(values)
    assert infer_problem_type(set(map(target.key, values)), target.kind) == problem_type


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["True.", "False."], ("False.", "True.")),
        (["1", "0"], ("0", "1")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["yes", "no"], ("no", "yes")),
        (["1", "1.0", "01", "0"], ("0.0", "1.0")),
        (["01", "0", "1"], ("0", "1")),
        (["1", "NA", "0"], ("0.0", "1.0")),
        (["TRUE", "False", "true", "FALSE"], ("False", "True")),
        (["None", "Mild", "Severe"], ("Mild", "Severe")),
        (["100000000000000001", "100000000000000002"], ("100000000000000001", "100000000000000002")),
    ],
)
def test_classes_are_told_apart_and_spelt_as_pandas_does_the_positive_one_last(
    values: list[str], classes: tuple[str, ...], tmp_path: Path
) -> None:
    text = "a,y\n" + "".join(f"{n},{value}\n" for n in range(10) for value in values)
    assert prepare(job(tmp_path, text)).classes == classes


WORDS = ["1", "1.0", "01", "+2", "2.5", "1e3", "0", "True", "TRUE", "false", "True.", "yes", "Yes", "yes ", "-", "?"]


@given(st.lists(st.sampled_from([*WORDS, *NULL_WORDS, ""]), min_size=1, max_size=6))
def test_a_target_has_the_values_that_pandas_reads(words: list[str]) -> None:
    read = pd.read_csv(io.StringIO("a,y\n" + "".join(f"1,{word}\n" for word in words)))["y"].dropna().unique()
    target = Target.of(words)
    classes = {target.key(word) for word in words if not is_missing(word)}
    assert {target.spelling(key) for key in classes} == {str(value) for value in read}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_that_python_writes_is_read_back(value: float) -> None:
    assert cells_of([repr(value)], "number").tolist() == [value]


@pytest.mark.parametrize(
    "text", ["", " ", "NA", "inf", "-Infinity", "nan", "1_000", "1,5", "0x10", "four", "\N{FULLWIDTH DIGIT ONE}"]
)
def test_what_is_no_finite_number_is_none(text: str) -> None:
    assert np.isnan(cells_of([text], "number")).all()


@pytest.mark.parametrize(
    ("texts", "kind", "cells"),
    [
        (["", "NA", " "], "text", [None, None, None]),
        (["", "NA", " 7", "n/a"], "number", [None, None, 7, None]),
        (["1", "inf"], "number", [1, None]),
        (["1", "-"], "text", ["1", "-"]),
        (["TRUE", "", "true", "False"], "boolean", ["True", None, "True", "False"]),
        (["true", "1"], "text", ["true", "1"]),
        (["None", "some ", "\t"], "text", [None, "some ", None]),
        (["2021-12-03", "NULL"], "text", ["2021-12-03", None]),
    ],
)
def test_a_column_holds_what_its_cells_mean(texts: list[str], kind: Kind, cells: list[object]) -> None:
    assert kind_of(texts) == kind
    read = cells_of(texts, kind)
    assert [None if pd.isna(cell) else cell for cell in read] == cells


@pytest.mark.parametrize(("kind", "text"), [("number", "seven"), ("boolean", "maybe"), ("boolean", "true ")])
def test_what_a_served_column_cannot_hold_is_missing_in_it(kind: Kind, text: str) -> None:
    assert pd.isna(cells_of([text], kind)).all()


def test_text_survives_reading_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeffa,y\n"one, two",True.\n"line\nbreak",False.\n007,NA\n,None\n', encoding="utf-8")
    table = read_table([path], "y")
    assert table["a"].tolist() == ["one, two", "line\nbreak", "007", ""]
    assert table["y"].tolist() == ["True.", "False.", "NA", "None"]


@pytest.mark.parametrize("words", [["0.5", "1.5", "2e3"], ["low", "mid", "high"], ["true", "False"]])
def test_rows_without_a_target_are_left_out_whatever_the_target_is(words: list[str], tmp_path: Path) -> None:
    gaps = [*NULL_WORDS, "", " ", "\t"]
    text = "a,y\n" + "".join(f"{n},{word}\n" for n, word in enumerate([*words * 10, *gaps]))
    dataset = prepare(job(tmp_path, text))
    assert len(dataset.train.target) + len(dataset.validation.target) == 10 * len(words)


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
    assert first.validation.features["0"].tolist() == again.validation.features["0"].tolist()


def test_a_class_with_one_member_is_trained_on(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(20)) + "99,c\n"
    dataset = prepare(job(tmp_path, text))
    assert dataset.classes == ("a", "b", "c")
    assert 99 in dataset.train.features["0"].to_numpy()


def test_every_class_is_trained_on_when_there_are_more_than_rows_to_judge_by(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{n},class {n % 100}\n" for n in range(300))
    dataset = prepare(job(tmp_path, text))
    assert len(dataset.classes) == len(set(dataset.train.target)) == 100


@pytest.mark.parametrize("odd", ["about 7", "inf"])
def test_a_regression_refuses_a_target_that_is_no_number_and_does_not_repeat_it(odd: str, tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{n},{n}.5\n" for n in range(20)) + f"99,{odd}\n"
    with pytest.raises(JobFailed, match=r"^Regression needs a target of finite numbers\.$"):
        prepare(job(tmp_path, text, problem_type="Regression"))
