"""A column converted at once is what its cells are one by one, and what is refused is the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.cells import Column, JsonNumber, convert, csv_converter, json_converter
from tenantml.errors import InvalidValue

NUMBER_LIKE = st.text(alphabet="0123456789.-+eE_ naif\u0661", max_size=6)
WHOLE = st.integers(-(2**65), 2**65).map(str)
FINITE = st.floats(allow_nan=False, allow_infinity=False).map(repr)
TEXTS = st.one_of(NUMBER_LIKE, WHOLE, FINITE, st.just(""))
JSON_NUMBERS = st.one_of(WHOLE, FINITE).map(str.encode)


def _one_by_one(values: list[Any], converter: Any) -> list[Any] | int:
    """The converted cells, or the row of the first that does not fit."""
    found = []
    for number, value in enumerate(values, 1):
        try:
            found.append(None if value is None else converter(value))
        except ValueError:
            return number
    return found


def _at_once(values: list[Any], column: Column, converter: Any, number_type: type) -> list[Any] | int:
    try:
        return convert(values, column, converter, number_type)
    except InvalidValue as refusal:
        return int(refusal.members["row"])


@given(st.lists(st.one_of(TEXTS, WHOLE, FINITE), max_size=6), st.sampled_from(["integer", "number"]))
def test_fields_of_csv(values: list[str], column_type: str) -> None:
    column = Column("c", column_type)
    converter = csv_converter(column)
    assert _at_once(values, column, converter, str) == _one_by_one(values, converter)


@given(
    st.lists(st.one_of(JSON_NUMBERS, st.none(), st.sampled_from(["1", True])), max_size=6),
    st.sampled_from(["integer", "number", "category", "text", "empty"]),
)
def test_values_of_json(values: list[Any], column_type: str) -> None:
    column = Column("c", column_type)
    converter = json_converter(column)
    assert _at_once(values, column, converter, JsonNumber) == _one_by_one(values, converter)


@pytest.mark.parametrize(
    "field", ["-", "1-2", "--1", "+-1", "1_0", "\u0661\u0662", "e5", ".", "1e999", "nan", "inf", "0x1"]
)
def test_what_is_no_number_is_none_among_numbers_either(field: str) -> None:
    for column_type in ("integer", "number"):
        column = Column("c", column_type)
        with pytest.raises(InvalidValue) as refused:
            convert(["1", field, "2"], column, csv_converter(column), str)
        assert refused.value.members["row"] == 2
