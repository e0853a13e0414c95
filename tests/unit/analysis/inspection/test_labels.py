"""What the classes of a target are, and the advice on labels that people mean alike."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest

from tenantml.errors import TargetMismatch
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect

DRAW = random.Random(8)


def run(labels: list[str], **options: Any) -> Inspection:
    data = "x,y\n" + "".join(f"{DRAW.random()},{label}\n" for label in labels)
    chosen = InspectionSettings(**({"target": "y", "salt": "s"} | options))
    return inspect([data.encode()], chosen, io.BytesIO(), io.BytesIO())


def classes(found: Inspection) -> dict[str, int]:
    return {entry["value"]: entry["rows"] for entry in found.profile["target"]["classes"]}


@pytest.mark.parametrize(
    ("labels", "counted"),
    [
        (["1.0", "1", "01", "0"], {"1.0": 600, "0": 200}),
        (["TRUE", "True", "false", "False"], {"TRUE": 400, "false": 400}),
        (["true", "yes", "TRUE", "yes"], {"yes": 400, "TRUE": 200, "true": 200}),
        (["1", "1.0", "one", "one"], {"one": 400, "1": 200, "1.0": 200}),
        (["yes", "no", " ", "NA"], {"no": 200, "yes": 200}),
    ],
    ids=["numbers by value", "booleans by truth", "mixed texts", "numbers among texts", "missing"],
)
def test_classes_are_told_apart_by_what_they_mean(labels: list[str], counted: dict[str, int]) -> None:
    assert classes(run(labels * 200, min_training_rows=100)) == counted


def test_labels_that_people_mean_alike_are_told_with_counts_and_first_lines() -> None:
    found = run(["yes", "no", "Yes", "no", "no ", "yes"] * 150)
    messages = [str(entry["message"]) for entry in found.advice if entry["rule"] == "labels-alike"]
    assert len(messages) == 2
    assert "'yes', 'Yes' (300 rows from line 2 on, 150 rows from line 4 on)" in messages[0]
    assert "'no', 'no ' (300 rows from line 3 on, 150 rows from line 6 on)" in messages[1]


def test_labels_that_look_the_same_are_told_by_their_characters() -> None:
    found = run(["Zoë", "Zoe\u0308", "no"] * 250)
    (message,) = [str(entry["message"]) for entry in found.advice if entry["rule"] == "labels-alike"]
    assert "'Zo\\xeb', 'Zoe\\u0308'" in message


def test_a_class_that_is_read_as_missing_is_told() -> None:
    found = run(["Mild", "None", "Severe"] * 300)
    assert classes(found) == {"Mild": 300, "Severe": 300}
    (message,) = [str(entry["message"]) for entry in found.advice if entry["rule"] == "rows-without-target"]
    assert "'None' is read as missing: 300 rows, first in line 3" in message


def test_spellings_that_make_more_than_two_classes_are_refused_before_anything_is_spent() -> None:
    with pytest.raises(TargetMismatch, match="2 differ in case, blanks") as raised:
        run(["yes", "Yes", "no"] * 300, problem_type="BinaryClassification")
    assert raised.value.sample == "aa"
    assert classes(run(["1", "1.0", "0"] * 300, problem_type="BinaryClassification")) == {"1": 600, "0": 300}
