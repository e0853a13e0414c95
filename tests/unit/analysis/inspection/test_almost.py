"""Columns that are numbers or dates but for a few cells, or but for how they are written."""

from __future__ import annotations

import io
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain import meaning
from tenantml.errors import DatasetError, RareClass, TargetMismatch
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect
from tenantml_analysis.inspection.almost import date_form, number_form

DRAW = random.Random(4)
NUMBERS = [f"{DRAW.uniform(1000, 9000):.2f}" for _ in range(700)]
DAYS = [f"20{DRAW.randint(10, 24)}-{DRAW.randint(1, 12):02}-{DRAW.randint(1, 28):02}" for _ in range(700)]
LABELS = ["yes" if DRAW.random() < 0.4 else "no" for _ in range(700)]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def run(values: list[str], labels: list[str] = LABELS, **options: Any) -> Inspection:
    rows = zip(values, labels, strict=True)
    data = "x,y,z\n" + "".join(f"{quoted(value)},{quoted(label)},{DRAW.random()}\n" for value, label in rows)
    chosen = InspectionSettings(**({"target": "y", "salt": "s"} | options))
    return inspect([data.encode()], chosen, io.BytesIO(), io.BytesIO())


def advice(found: Inspection) -> list[tuple[str | None, str | None]]:
    return [(entry["rule"], entry["column"]) for entry in found.advice]


def almost(found: Inspection) -> list[str]:
    return [str(entry["message"]) for entry in found.advice if str(entry["rule"]).startswith("almost")]


def with_odd(values: list[str], *places: int, text: str) -> list[str]:
    return [text if at in places else value for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("-", "a dash"),
        ("?", "a question mark"),
        ("n.a.", "a word for a missing value"),
        ("#DIV/0!", "an error of a spreadsheet"),
        ("12 €", "a currency sign"),
        ("$1,234.50", "a currency sign and a thousands separator"),
        ("about ten", "text"),
        ("true", "a boolean"),
        ("2024-01-31", "a date"),
    ],
)
def test_a_number_column_with_one_odd_cell_is_told_with_line_form_and_shape(text: str, form: str) -> None:
    found = run(with_odd(NUMBERS, 400, text=text))
    assert advice(found) == [("almost-a-number", "x")]
    message = str(found.advice[0]["message"])
    assert "699 of 700 rows" in message
    assert form in message
    assert "line 402" in message
    assert not any(letter in message.split("looks like: ")[1] for letter in "bcdefghijkl")


@pytest.mark.parametrize(
    ("text", "form"), [("2021-02-31", "an impossible day"), ("?", "a question mark"), ("7", "a number")]
)
def test_a_date_column_with_one_odd_cell_is_told_too(text: str, form: str) -> None:
    found = run(with_odd(DAYS, 333, text=text))
    assert advice(found) == [("almost-a-date", "x")]
    message = str(found.advice[0]["message"])
    assert "699 of 700 rows" in message
    assert form in message
    assert "line 335" in message


@pytest.mark.parametrize(
    ("at", "what"), [(0, "in the first row, as units are"), (699, "in the last row, as totals are")]
)
def test_lines_that_are_no_data_are_named_for_what_they_are(at: int, what: str) -> None:
    found = run(with_odd(NUMBERS, at, text="EUR"))
    assert what in str(found.advice[0]["message"])
    assert f"line {at + 2}" in str(found.advice[0]["message"])


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([f"${float(number):,.2f}" for number in NUMBERS], "a currency sign and a thousands separator"),
        ([number.replace(".", ",") for number in NUMBERS], "a decimal comma"),
        (
            [f"{float(number):,.2f}".translate({44: 46, 46: 44}) for number in NUMBERS],
            "a thousands separator and a decimal",
        ),
        ([f"{number}%" for number in NUMBERS], "a percent sign"),
        ([f"{number} kg" for number in NUMBERS], "a unit"),
        ([f"{number} EUR" for number in NUMBERS], "a currency sign"),
        ([f'="{number}"' for number in NUMBERS], "a formula of a spreadsheet"),
        ([f"{number}D+02" for number in NUMBERS], "a D before the exponent"),
    ],
)
def test_a_column_of_numbers_in_another_form_is_told(values: list[str], form: str) -> None:
    found = run(values)
    assert advice(found) == [("almost-a-number", "x")]
    assert form in str(found.advice[0]["message"])


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([f"{day[8:]}-{day[5:7]}-{day[:4]}" for day in DAYS], "hyphens after the day"),
        ([f"{day[8:]}.{day[5:7]}.{day[2:4]}" for day in DAYS], "a year of two digits"),
        ([f"{day[8:]}-Mar-{day[:4]}" for day in DAYS], "a month in words"),
    ],
)
def test_a_column_of_dates_in_another_form_is_told(values: list[str], form: str) -> None:
    found = run(values)
    assert advice(found) == [("almost-a-date", "x")]
    assert form in str(found.advice[0]["message"])


@pytest.mark.parametrize(
    "values",
    [
        [f"{DRAW.choice('ABC')}{DRAW.randint(1, 99)}" for _ in range(700)],
        [f"{DRAW.randint(1, 99)}{DRAW.choice('abcdefgh')}" for _ in range(700)],
        [DRAW.choice(["1", "2", "3 or more"]) for _ in range(700)],
        [f"10.{DRAW.randint(0, 255)}.{DRAW.randint(0, 255)}.{DRAW.randint(0, 255)}" for _ in range(700)],
        [DRAW.choice(["Oslo", "Rome", "-"]) for _ in range(700)],
    ],
    ids=["codes", "house numbers", "categories", "addresses", "cities"],
)
def test_codes_and_categories_are_almost_nothing(values: list[str]) -> None:
    assert not {"almost-a-number", "almost-a-date"} & {rule for rule, _ in advice(run(values))}


@given(
    st.lists(st.integers(0, 699), max_size=30, unique=True),
    st.sampled_from([NUMBERS, [str(n % 7) for n in range(700)], DAYS, [f"{d[8:]}.{d[5:7]}.{d[:4]}" for d in DAYS]]),
    st.sampled_from(["?", "-", "x", "12 €", "2021-02-31", "true"]),
    st.sets(st.integers(0, 699), max_size=60),
    st.sampled_from([64, 1000, 1 << 20]),
)
@settings(max_examples=25, deadline=None)
def test_odd_cells_are_counted_exactly_however_the_file_is_cut(
    places: list[int], values: list[str], text: str, missing: set[int], block_bytes: int
) -> None:
    cells = ["" if at in missing else value for at, value in enumerate(with_odd(values, *places, text=text))]
    odd = [at for at, cell in enumerate(cells) if cell == text]
    held = sum(not meaning.is_missing(cell) for cell in cells)
    found = almost(run(cells, block_bytes=block_bytes))
    first_values = [cell for cell in cells if cell][:16]
    if odd and first_values.count(text) < 8 and len(odd) <= 16:
        assert f"{held - len(odd):,} of {held:,} rows" in found[0]
        assert f"line {odd[0] + 2} " in found[0]
    if not odd:
        assert found == []


def test_a_target_that_is_almost_a_number_is_refused_with_the_odd_cell() -> None:
    with pytest.raises(RareClass, match="699 of 700 rows") as raised:
        run(LABELS, with_odd(NUMBERS, 333, text="n.a."))
    assert (raised.value.line, raised.value.column, raised.value.sample) == (335, "y", "a.a.")
    assert run(LABELS, with_odd(NUMBERS, 333, text="")).profile["target"]["problem_type"] == "Regression"


def test_advice_for_a_target_leaves_enough_rows() -> None:
    labels = with_odd(NUMBERS[:500], 333, text="n.a.")
    with pytest.raises(RareClass) as raised:
        run(LABELS[:500], labels)
    assert "empty" not in str(raised.value)
    with pytest.raises(TargetMismatch, match="line 335"):
        run(LABELS, with_odd(NUMBERS, 333, text="n.a."), problem_type="Regression")


@given(st.text(max_size=15))
@settings(max_examples=300)
def test_any_text_has_a_form_or_none(text: str) -> None:
    for form in (number_form(text), date_form(text)):
        assert form != ""


def test_no_message_shows_a_cell() -> None:
    secret = "Nora Quill"
    for values, labels in (
        (with_odd(NUMBERS, 5, text=secret), LABELS),
        (LABELS, with_odd(NUMBERS, 5, text=secret)),
        (LABELS, with_odd(LABELS, 5, text=secret)),
        (with_odd(NUMBERS, 5, text=secret), ["a"] * 700),
    ):
        try:
            shown = str(run(values, labels).advice)
        except DatasetError as error:
            shown = str(error)
        assert "Nora" not in shown


@pytest.mark.parametrize(
    "value",
    [
        "note" + " " * 20_000 + "end",
        "[" + ", ".join(f"{number:.9f}" for number in range(4000)) + "]",
        "1" * 20_000 + " pm",
        "0" * 60 + "12345X",
        "1 " * 30_000,
        " " * 60_000,
    ],
    ids=["padded", "vector", "digits", "zeros", "lists", "blanks"],
)
def test_no_text_takes_long_to_look_at(value: str) -> None:
    began = time.process_time()
    run([f"{value}{number}" for number in range(700)])
    assert time.process_time() - began < 5
