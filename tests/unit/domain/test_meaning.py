"""What a cell means is what the reader inside training takes it for."""

from __future__ import annotations

import io
import math
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES

from tenantml.domain.meaning import (
    MONTH_FIRST,
    NULL_WORDS,
    boolean_of,
    date_of,
    day_of,
    folded,
    is_missing,
    is_unreadable,
    label_key,
    names_alike,
    number_of,
    whole_number_of,
)

WRITTEN = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False).map(repr),
    st.from_regex(r"[+-]?[0-9]{0,4}\.?[0-9]{0,4}([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(
        ["inf", "-Infinity", "1_000", "0x10", "1,5", "--1", "+", ".", "e5", "1e", "٣", "NAN", "12 €", "50%"]
    ),
)


def read(texts: list[str]) -> pd.Series:
    """A column of these cells as pandas reads it."""
    quoted = "".join(f'"{text}"\n' for text in ["column", *texts])
    return pd.read_csv(io.StringIO(quoted), skip_blank_lines=False)["column"]


def test_the_words_for_a_missing_value_are_those_of_pandas() -> None:
    assert NULL_WORDS | {""} == set(STR_NA_VALUES)


@pytest.mark.parametrize("text", ["", " ", "\t \t", *sorted(NULL_WORDS)])
def test_nothing_blanks_and_null_words_are_missing(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "none", "NAN", " NA", "-", "?", "\u00a0", "\u200b", "x"])
def test_anything_else_is_a_value(text: str) -> None:
    assert not is_missing(text)


SPACED = st.tuples(st.sampled_from(["", " ", "\n", "\r\n", "\t\v\f"]), WRITTEN, st.sampled_from(["", " ", "\n", "\f"]))


@given(SPACED.map("".join))
def test_a_text_is_a_number_where_pandas_reads_one_and_it_is_the_same(text: str) -> None:
    if is_missing(text) or 2**63 <= unsigned_of(text) < 2**64 or is_unreadable(text):
        return  # see below
    column, number = read([text]), number_of(text)
    if number is not None and math.isinf(number):  # pandas leaves a number beyond a double as text
        assert column.dtype == object or math.isinf(float(column[0]))
    elif number is None or not text.strip().strip("+-"):
        assert column.dtype == object
    else:
        assert column.dtype != object
        assert float(column[0]) == pytest.approx(float(number), rel=1e-15)


def unsigned_of(text: str) -> int:
    digits = text.strip(" \t\n\r\v\f").removeprefix("+")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


PAST_64_BITS = st.integers(2**64, 10**40).map(str) | st.integers(-(10**40), -(2**63) - 1).map(str)


@given(st.lists(st.integers(-(2**63), 2**63 - 1).map(str)), PAST_64_BITS)
def test_one_whole_number_past_64_bits_makes_a_column_of_whole_numbers_text_as_in_pandas(
    texts: list[str], past: str
) -> None:
    assert read([*texts, past]).dtype == object
    assert number_of(past) is None


@pytest.mark.parametrize("others", [["-1"], ["x"], ["true"], [""]])
def test_unsigned_numbers_of_64_bits_are_text_to_pandas_too_beside_what_many_columns_have(others: list[str]) -> None:
    assert number_of(str(2**64 - 1)) is None
    assert read([str(2**64 - 1), *others]).dtype == object


# Each in a process of its own, since some end it; releases of pandas from 3.0 on read them as text.
READS = """
import io, sys, pandas
column = pandas.read_csv(io.StringIO(sys.argv[1]))["x"]
sys.exit(0 if column.dtype == object and list(column) == [sys.argv[1].split()[1].split(",")[0]] else 1)
"""


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("7e12345678901", False),
        ("81e3104049863b72", False),
        ("0101000020E6100000000000000000000840", False),  # a point as PostGIS writes it
        ("-1.5E+4294967296", False),
        ("1e4294967290", False),
        ("7e999999999", True),
        ("7e123456789x", True),
        ("x7e12345678901", True),
        ("e12345678901", True),
        (".e12345678901", True),
        ("7f12345678901", True),
    ],
)
def test_a_cell_that_pandas_may_crash_at_is_unreadable(text: str, safe: bool) -> None:
    assert is_unreadable(text) is not safe
    if safe:
        read_alone = subprocess.run([sys.executable, "-c", READS, f"x,y\n{text},1\n"], check=False)
        assert read_alone.returncode == 0


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 30))
def test_whole_numbers_of_64_bits_are_exact_as_in_pandas(number: int, zeros: int) -> None:
    text = f"{'-' * (number < 0)}{'0' * zeros}{abs(number)}"
    assert number_of(text) == number
    assert isinstance(number_of(text), int)
    assert read([text, "1"]).tolist() == [number, 1]


def test_classes_of_19_digits_are_told_apart() -> None:
    keys = {label_key(f"110000000000000000{digit}", numeric=True, boolean=False) for digit in range(10)}
    assert len(keys) == 10


@given(st.lists(st.sampled_from(["true", "True", "TRUE", "tRuE", "false", "False", "FALSE", "fALSe"]), min_size=1))
def test_booleans_are_those_of_pandas(texts: list[str]) -> None:
    assert read(texts).tolist() == list(map(boolean_of, texts))


@pytest.mark.parametrize("text", [" True", "true ", "yes", "1", "T"])
def test_other_words_are_no_booleans(text: str) -> None:
    assert boolean_of(text) is None
    assert read([text]).dtype != bool


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("60", 60),
        (" 60\t", 60),
        ("\r\n60\n", 60),
        ("60.0", 60),
        ("6e1", 60),
        ("1e3", 1000),
        ("1.5e1", 15),
        ("-.5e1", -5),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775807.0", 2**63 - 1),
        ("9223372036854775808", None),
        ("1e400", None),
        ("1e-3", None),
        ("60.5", None),
        ("inf", None),
        ("abc", None),
        ("0e0", 0),
        ("00.000", 0),
        ("1." + "0" * 5000, 1),
        ("0" * 5000 + "1.0", 1),
        ("1." + "0" * 5000 + "1", 1),
    ],
)
def test_whole_numbers_are_exact_in_any_spelling(text: str, number: int | None) -> None:
    assert whole_number_of(text) == number


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-02-29", "YYYY-MM-DD"),
        ("2024/2/9", "YYYY/MM/DD"),
        ("31.12.2021", "DD.MM.YYYY"),
        ("12/31/2021", "DD/MM/YYYY"),
        ("03.12.2021", "DD.MM.YYYY"),
        (" 2024-02-29T23:59:60.5+01:00 ", "YYYY-MM-DD"),
        ("2024-02-29\n", "YYYY-MM-DD"),
        ("2024-02-29 10:00 UTC", "YYYY-MM-DD"),
        ("2023-02-29", None),
        ("2021-02-31", None),
        ("31.02.2021", None),
        ("13/13/2021", None),
        ("2021-13-01", None),
        ("2021-1-1", None),
        ("0000-01-01", None),
        ("2024-02-29 24:00", None),
        ("٢٠٢٤-٠٢-٢٩", None),
        ("20240229", None),
    ],
)
def test_a_date_is_a_day_of_the_calendar_in_one_of_the_forms(text: str, form: str | None) -> None:
    date = date_of(text)
    assert (date.form if date else None) == form


def test_a_day_that_can_be_read_in_two_orders_is_one_in_each() -> None:
    date = date_of("03.12.2021")
    assert date is not None
    assert str(day_of(date.parts, date.form)) == "2021-12-03"
    assert str(day_of(date.parts, MONTH_FIRST[date.form])) == "2021-03-12"


def test_classes_are_distinguished_as_training_reads_them() -> None:
    assert len({label_key(text, numeric=True, boolean=False) for text in ("1", "1.0", "01", "1e0")}) == 1
    assert len({label_key(text, numeric=False, boolean=True) for text in ("TRUE", "True", "true")}) == 1
    assert len({label_key(text, numeric=False, boolean=False) for text in ("yes", "Yes", "yes ")}) == 3


def test_what_people_mean_alike_folds_to_the_same() -> None:
    alike = ["Yes", "yes ", "YES", "y\u200bes", "\ufeffyes", "\uff59es"]
    assert {folded(text) for text in alike} == {"yes"}
    assert folded("é") == folded("e\u0301")
    assert names_alike(["Age", "age", "city"]) == [("Age", "age")]
