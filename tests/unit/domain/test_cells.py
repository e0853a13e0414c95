"""A column converted at once is what its cells are one by one, and what is refused is the same."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.predictions.cells import CSV, JSON, NUMBERS, Column, Form, convert, fields
from tenantml.errors import InvalidValue

NUMBER_LIKE = st.text(alphabet="0123456789.-+eE_ naif\u0661,", max_size=6)
WHOLE = st.integers(-(2**65), 2**65).map(str)
FINITE = st.floats(allow_nan=False, allow_infinity=False).map(repr)
LONG = st.integers(290, 320).map(lambda digits: "9" * digits)
TEXTS = st.one_of(NUMBER_LIKE, WHOLE, FINITE, LONG, st.just(""))
JSON_NUMBERS = st.one_of(WHOLE, FINITE, LONG, st.just("1e999")).map(str.encode)


def _one_by_one(values: list[Any], column: Column, form: Form) -> list[Any] | int:
    """The converted cells, or the row of the first that does not fit."""
    found: list[Any] = []
    for number, value in enumerate(values, 1):
        try:
            text = "" if value is None else form.converters[column.type](value)
        except ValueError:
            return number
        found.append(text.encode() if column.type in NUMBERS else text)
    return found


def _at_once(values: list[Any], column: Column, form: Form) -> list[Any] | int:
    try:
        return list(convert(values, column, form))
    except InvalidValue as refusal:
        return int(refusal.members["row"])


@given(st.lists(st.one_of(TEXTS, WHOLE, FINITE), min_size=1, max_size=6), st.sampled_from(["integer", "number"]))
def test_fields_of_csv(values: list[str], column_type: str) -> None:
    column = Column("c", column_type)
    assert _at_once(values, column, CSV) == _one_by_one(values, column, CSV)


@given(
    st.lists(st.one_of(JSON_NUMBERS, st.none(), st.sampled_from(["1", True])), min_size=1, max_size=6),
    st.sampled_from(["integer", "number", "category", "text", "empty"]),
)
def test_values_of_json(values: list[Any], column_type: str) -> None:
    column = Column("c", column_type)
    assert _at_once(values, column, JSON) == _one_by_one(values, column, JSON)


@pytest.mark.parametrize(
    "field", ["-", "1-2", "--1", "+-1", "1_0", "\u0661\u0662", "e5", ".", "1e999", "nan", "inf", "0x1", "1,2"]
)
def test_what_is_no_number_is_none_among_numbers_either(field: str) -> None:
    for column_type in NUMBERS:
        with pytest.raises(InvalidValue) as refused:
            convert(["1", field, "2"], Column("c", column_type), CSV)
        assert refused.value.members["row"] == 2


@given(st.lists(st.text(st.sampled_from('ab ,"\r\né\0\ud800'), max_size=5), min_size=2, max_size=4))
def test_texts_are_quoted_as_pythons_own_writer_does(texts: list[str]) -> None:
    if {"\0", "\ud800"} & set("".join(texts)):
        with pytest.raises(ValueError, match=r"NUL|surrogates"):
            fields(texts)
        return
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(texts)
    assert b",".join(fields(texts)) + b"\r\n" == written.getvalue().encode()
