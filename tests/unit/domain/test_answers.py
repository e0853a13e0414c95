"""Endpoint answers: one meaning for every training mode, and never a silent misreading."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.predictions import answers
from tenantml.domain.predictions.answers import OUTPUT_KEYS
from tenantml.errors import UnreadableAnswer, WrongPredictionCount

CHURN = b"""True.,0.8,"[0.2, 0.8]","['False.', 'True.']"\n"""


def parse(body: bytes, output_keys: Sequence[str], row_count: int, classes: tuple[str, ...] = ()) -> list[Any]:
    return [json.loads(text) for text in answers.parse(body, output_keys, row_count, classes).as_json()]


def answer(*lines: list[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def test_an_ensembles_answer_is_named_by_class() -> None:
    [prediction] = parse(CHURN, OUTPUT_KEYS, 1)
    assert prediction == {
        "predicted_label": "True.",
        "probability": 0.8,
        "probabilities": {"False.": 0.2, "True.": 0.8},
    }


def test_every_row_gets_its_own_prediction() -> None:
    second = CHURN.replace(b"0.2, 0.8", b"0.4, 0.6")
    assert [prediction["probability"] for prediction in parse(CHURN + second, OUTPUT_KEYS, 2)] == [0.8, 0.6]


def test_the_probability_is_that_of_the_predicted_label_in_a_tuned_model_too() -> None:
    # A tuned binary model says P(True.) even where it predicts False.
    tuned = b"""False.,0.3,"[0.7, 0.3]","['False.', 'True.']"\n"""
    assert parse(tuned, OUTPUT_KEYS, 1)[0]["probability"] == 0.7


def test_the_columns_follow_the_keys_that_were_asked_for() -> None:
    reordered = b"""\"['a', 'b', 'c']",b,"[0.1, 0.7, 0.2]"\n"""
    [prediction] = parse(reordered, ("labels", "predicted_label", "probabilities"), 1)
    assert prediction == {"predicted_label": "b", "probability": 0.7, "probabilities": {"a": 0.1, "b": 0.7, "c": 0.2}}


def test_regression_is_one_number_per_row() -> None:
    assert parse(b"1.5\n-2e3\n0\n\n", (), 3) == [{"predicted_value": v} for v in (1.5, -2000.0, 0.0)]


def test_a_regression_answer_in_one_line_is_not_taken_for_one_row() -> None:
    with pytest.raises(WrongPredictionCount, match="1 predictions to 2 rows"):
        parse(b"1.5,2.5\n", (), 2)
    with pytest.raises(UnreadableAnswer, match="2 columns where 1"):
        parse(b"1.5,2.5\n", (), 1)


def test_numeric_classes_are_matched_by_value() -> None:
    assert parse(b'1,0.9,"[0.1, 0.9]","[0.0, 1.0]"\n', OUTPUT_KEYS, 1)[0]["predicted_label"] == "1.0"
    assert parse(b'1,0.9,"[0.1,0.9]","[0, 1]"\n', OUTPUT_KEYS, 1)[0]["probabilities"] == {"0": 0.1, "1": 0.9}
    assert parse(b'True,0.9,"[0.1,0.9]","[False, True]"\n', OUTPUT_KEYS, 1)[0]["predicted_label"] == "True"


@pytest.mark.parametrize("rows", [0, 2, 3])
def test_fewer_or_more_predictions_than_rows_are_refused(rows: int) -> None:
    with pytest.raises(WrongPredictionCount, match=f"1 predictions to {rows} rows") as refused:
        parse(CHURN, OUTPUT_KEYS, rows)
    assert refused.value.status == 502


@pytest.mark.parametrize(
    "line",
    [
        ["True.", "0.8", "[0.2, 0.8]"],
        ["True.", "0.8", "[0.2, 0.8]", "['False.', 'True.']", "more"],
        ["Maybe", "0.8", "[0.2, 0.8]", "['False.', 'True.']"],
        ["3", "0.8", "[0.2, 0.8]", "[1, 2]"],
        ["True.", "0.8", "[0.2, 0.8, 0.0]", "['False.', 'True.']"],
        ["True.", "0.8", "[0.2, 0.8]", "['True.', 'True.']"],
        ["True.", "0.8", "[0.2, 1.8]", "['False.', 'True.']"],
        ["True.", "0.8", "[-0.2, 0.8]", "['False.', 'True.']"],
        ["True.", "0.8", "[0.2, nan]", "['False.', 'True.']"],
        ["True.", "0.8", "[0.2, 0.8", "['False.', 'True.']"],
        ["True.", "0.8", "0.2, 0.8", "['False.', 'True.']"],
        ["True.", "0.8", "[]", "[]"],
        ["True.", "0.8", "[0.2, 0.8]", "['False.' 'True.']"],
        ["True.", "0.8", "[0.2, 0.8]", "['False.', ['True.']]"],
        ["True.", "0.8", "[0.2, 0.8]", "['False.', 'True.',]"],
        ["True.", "0.8", "[0.2, 0.8]", "[__import__('os'), 'True.']"],
        ["True.", "0.8", "[0.2, 0.8]", r"['\x', 'True.']"],
        ["True.", "0.8", "[0.2, 0.8]", "[" * 100_000 + "]" * 100_000][:4],
    ],
)
def test_a_malformed_answer_is_named_and_never_guessed(line: list[object]) -> None:
    with pytest.raises(UnreadableAnswer, match=r"prediction 1|not CSV") as refused:
        parse(answer(line), OUTPUT_KEYS, 1)
    assert refused.value.status == 502


@pytest.mark.parametrize("body", [b"abc\n", b"nan\n", b"inf\n", b"1_000\n", b'""\n', b"\xff\n", b'"1\n', b'"1"2\n'])
def test_what_is_no_number_is_no_predicted_value(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        parse(body, (), 1)


def test_keys_without_a_class_list_are_a_bug() -> None:
    with pytest.raises(ValueError, match="probabilities, labels"):
        parse(b"True.\n", ("predicted_label",), 1)


_classes = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=2, max_size=6, unique=True)


@given(_classes, st.data(), st.sampled_from([repr, json.dumps]))
def test_any_class_names_survive(classes: list[str], data: st.DataObject, written: type) -> None:
    values = data.draw(st.lists(st.floats(0, 1), min_size=len(classes), max_size=len(classes)))
    label = data.draw(st.sampled_from(classes))
    [prediction] = parse(answer([label, 0.5, repr(values), written(classes)]), OUTPUT_KEYS, 1)
    assert prediction["predicted_label"] == label
    assert prediction["probabilities"] == dict(zip(classes, values, strict=True))
    assert prediction["probability"] == prediction["probabilities"][label]


def test_predictions_are_written_alike_whether_read_at_once_or_one_by_one() -> None:
    classes = ["50 %", "%s", 'a "quoted" one', "é"]
    line = answer(["%s", 0.5, [0.25, 0.5, 0.125, 0.125], json.dumps(classes)])
    spaced = answer(["%s", 0.5, " [0.25, 0.5, 0.125, 0.125]", json.dumps(classes)])
    read = [answers.parse(body * 2, OUTPUT_KEYS, 2) for body in (line, spaced)]
    assert read[0].as_json() == read[1].as_json()
    assert read[0].as_csv() == read[1].as_csv()
    assert parse(line, OUTPUT_KEYS, 1)[0]["probabilities"] == dict(zip(classes, [0.25, 0.5, 0.125, 0.125], strict=True))


_digits = st.sampled_from(["0", "1", "0.50", "1e-05", "5E-1", "-0.0", ".5", "1.", "+1", "00.5"])


@given(st.lists(_digits, min_size=2, max_size=2), st.sampled_from([",", ", ", " , "]))
def test_probabilities_keep_their_digits_where_json_has_such(texts: list[str], comma: str) -> None:
    line = answer(["b", 0.5, f"[{comma.join(texts)}]", "['a', 'b']"])
    [written] = answers.parse(line, OUTPUT_KEYS, 1).as_json()
    assert list(json.loads(written)["probabilities"].values()) == list(map(float, texts))
    if texts[1] in {"0", "1", "0.50", "1e-05", "5E-1", "-0.0"}:
        assert f'"probability":{texts[1]},' in written


@given(st.binary(max_size=80), st.sampled_from([(), OUTPUT_KEYS]))
def test_whatever_an_endpoint_answers_it_is_read_or_named(body: bytes, keys: tuple[str, ...]) -> None:
    with suppress(UnreadableAnswer, WrongPredictionCount):
        assert len(parse(body, keys, 1)) == 1


_pieces = st.sampled_from(
    [
        "no",
        "yes",
        "no way",
        "0.5",
        "1.5",
        "1e-3",
        "1e3",
        "-0",
        "[0.9, 0.1]",
        '"',
        '""',
        ",",
        '","',
        "\n",
        "\r",
        "\r\n",
        "",
    ]
)


@st.composite
def _answers(draw: st.DrawFn) -> str:
    """One to three lines as endpoints write them, some of them with a piece replaced by another."""
    line = ["no", ",", "0.9", ",", '"', "[0.9, 0.1]", '"', ",", '"', "['no', 'yes']", '"', "\n"]
    pieces = line * draw(st.integers(1, 3))
    for _ in range(draw(st.integers(0, 3))):
        pieces[draw(st.integers(0, len(pieces) - 1))] = draw(_pieces)
    return "".join(pieces)


@settings(max_examples=500)
@given(_answers(), st.integers(0, 3))
def test_what_is_read_at_once_is_what_is_read_line_by_line(text: str, rows: int) -> None:
    at_once = answers._read_at_once(text, rows)
    if at_once is not None:
        assert at_once == answers._read_line_by_line(text, OUTPUT_KEYS, rows)


@pytest.mark.parametrize(
    ("answered", "label", "classes", "expected"),
    [
        ("['1.0', '0.0']", "1.0", ("0", "1"), {"0": 0.25, "1": 0.75}),
        ("['1.0', '0.0']", "1", ("01", "0"), {"01": 0.75, "0": 0.25}),
        ("[1, 0]", "1", ("1.0", "0.0"), {"1.0": 0.75, "0.0": 0.25}),
        ("['True', 'False']", "True", ("FALSE", "TRUE"), {"FALSE": 0.25, "TRUE": 0.75}),
        ("[True, False]", "True", ("true", "false"), {"true": 0.75, "false": 0.25}),
        ("['yes', 'no']", "yes", ("no", "yes"), {"no": 0.25, "yes": 0.75}),
        ("['Yes', 'yes']", "Yes", ("Yes", "yes"), {"Yes": 0.75, "yes": 0.25}),
        ("['1.0', 'x']", "1.0", ("1.0", "x"), {"1.0": 0.75, "x": 0.25}),
        ("['a', 'b']", "a", ("a", "b", "c"), {"a": 0.75, "b": 0.25}),
    ],
)
@pytest.mark.parametrize("blank", ["", " "])  # read at once, and line by line
def test_classes_are_answered_as_the_training_file_writes_them(
    answered: str, label: str, classes: tuple[str, ...], expected: dict[str, float], blank: str
) -> None:
    line = answer([label, 0.75, f"{blank}[0.75, 0.25]", answered])
    [prediction] = parse(line, OUTPUT_KEYS, 1, classes)
    assert prediction["probabilities"] == expected
    assert expected[prediction["predicted_label"]] == prediction["probability"] == 0.75
    if len(classes) == 2:
        assert tuple(prediction["probabilities"]) == classes


def test_two_labels_that_are_one_class_of_the_file_are_refused() -> None:
    with pytest.raises(UnreadableAnswer, match="one class of the training file"):
        parse(answer(["1", 0.5, "[0.5, 0.5]", "['1', '1.0']"]), OUTPUT_KEYS, 1, ("0", "1"))


def test_parts_that_differ_in_their_classes_are_refused() -> None:
    with pytest.raises(UnreadableAnswer, match="the same classes for every row"):
        parse(CHURN + CHURN.replace(b"True.", b"Yes."), OUTPUT_KEYS, 2)


def test_predictions_as_csv_have_a_header_and_a_column_for_each_class() -> None:
    line = answer(['say "a"', 0.5, "[0.75, 0.25]", json.dumps(['say "a"', "b,c"])])
    rows = list(csv.reader(answers.parse(line, OUTPUT_KEYS, 1).as_csv(), strict=True))
    assert rows == [["predicted_label", "probability", 'say "a"', "b,c"], ['say "a"', "0.75", "0.75", "0.25"]]
    assert answers.parse(b"1.5\n-2\n", (), 2).as_csv() == ["predicted_value", "1.5", "-2.0"]


def test_the_classes_of_one_line_may_be_longer_than_a_cell_of_a_request() -> None:
    classes = [f"class {number:04} {'of many' * 12}" for number in range(2000)]
    line = answer([classes[7], 0.5, [0.0005] * 2000, json.dumps(classes)])
    spaced = answer([classes[7], 0.5, f" {[0.0005] * 2000}", json.dumps(classes)])
    assert parse(line, OUTPUT_KEYS, 1) == parse(spaced, OUTPUT_KEYS, 1)


def test_the_common_answer_is_read_at_once() -> None:
    assert answers._read_at_once(CHURN.decode() * 2, 2) == answers.parse(CHURN * 2, OUTPUT_KEYS, 2)
