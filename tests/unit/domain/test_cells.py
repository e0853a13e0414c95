"""A column converted at once is what its cells are one by one, what is refused is the same, and each cell means what
`tenantml.domain.meaning` says.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import contextmanager
from time import process_time
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.meaning import MONTH_FIRST, NULL_WORDS
from tenantml.domain.predictions import cells
from tenantml.domain.predictions.cells import BYTES_MAX, NUMBERS, Column, convert, fields
from tenantml.domain.predictions.rows import Schema, read_csv, read_json
from tenantml.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER_LIKE = st.text(alphabet="0123456789.-+eE_ naif\u0661,", max_size=6)
WHOLE = st.integers(-(2**65), 2**65).map(str)
FINITE = st.floats(allow_nan=False, allow_infinity=False).map(repr)
LONG = st.integers(190, 320).map(lambda digits: "9" * digits)
MISSING = st.sampled_from(["", " ", "\t ", *sorted(NULL_WORDS)])
TEXTS = st.one_of(NUMBER_LIKE, WHOLE, WHOLE.map("{}.0".format), FINITE, LONG, MISSING)
JSON_NUMBERS = st.one_of(WHOLE, WHOLE.map("{}.0".format), FINITE, LONG, st.just("1e999")).map(str.encode)
OTHERS = st.sampled_from(["1", True, False, [], "x"])
TYPES = ["integer", "number", "boolean", "date", "datetime", "category", "text", "empty"]
DAYS = st.dates().map(str) | st.from_regex(r"[0-3]?[0-9][./][01]?[0-9][./]20[0-9]{2}", fullmatch=True)
TIMES = st.builds(  # among them what the standard library takes for a time of day, and we do not
    "{}{}{}{}{}".format,
    st.sampled_from([" ", "T", "t", "  ", ""]),
    st.sampled_from(["10", "23:59", "24:00", "10:60", "1030", "1:05"]),
    st.sampled_from(["", ":00", ":59", ":60", ":61", "00"]),
    st.sampled_from(["", ".5", ".123456789", ",5", "."]),
    st.sampled_from(["", "Z", "z", " UTC", "+01:00", "-0100", "+01", "+01:00:30", " +01:00", "+99:99"]),
)
DATES = st.one_of(
    DAYS,
    st.datetimes().map(str),
    st.builds("{}{}".format, DAYS, TIMES),
    st.sampled_from(
        ["2021-02-31", "0000-01-01", "2021-W01-1", "20210101", "2021-001", "２021-01-01", "\ud800", " ", "x"]
    ),
)
FORMS = st.sampled_from(
    [(), ("YYYY-MM-DD",), ("DD.MM.YYYY",), ("MM.DD.YYYY",), ("DD/MM/YYYY",), ("YYYY-MM-DD", "DD.MM.YYYY")]
)


@contextmanager
def one_by_one() -> Iterator[None]:
    with mock.patch.object(cells, "_AT_ONCE", {}):
        yield


def converted(values: list[Any], column: Column, *, in_json: bool = False) -> list[str] | tuple[int, str]:
    """The converted cells, or the row of the first that does not fit and why."""
    try:
        return list(convert(values, column, in_json=in_json))
    except InvalidValue as refusal:
        return int(refusal.members["row"]), str(refusal)


def compare(values: list[Any], column: Column, *, in_json: bool) -> None:
    at_once = converted(values, column, in_json=in_json)
    with one_by_one():
        assert at_once == converted(values, column, in_json=in_json)


def refused(values: list[Any], column: Column, *, in_json: bool = False) -> str:
    with pytest.raises(InvalidValue) as refusal:
        convert(values, column, in_json=in_json)
    return str(refusal.value).partition(": ")[2]


@given(st.lists(st.one_of(TEXTS, WHOLE, FINITE), min_size=1, max_size=6), st.sampled_from(["integer", "number"]))
def test_numbers_of_csv(values: list[str], column_type: str) -> None:
    compare(values, Column("c", column_type), in_json=False)


@given(
    st.lists(st.one_of(JSON_NUMBERS, st.none(), MISSING, OTHERS), min_size=1, max_size=6),
    st.sampled_from(["integer", "number", "category", "text", "empty"]),
)
def test_values_of_json(values: list[Any], column_type: str) -> None:
    compare(values, Column("c", column_type), in_json=True)


@settings(max_examples=500)
@given(st.lists(DATES | st.none(), min_size=1, max_size=3), st.sampled_from(["date", "datetime"]), FORMS)
def test_dates(values: list[Any], column_type: str, forms: tuple[str, ...]) -> None:
    compare(values, Column("c", column_type, forms=forms), in_json=True)


@pytest.mark.parametrize("column_type", TYPES)
@pytest.mark.parametrize("missing", ["", " ", " \t", *sorted(NULL_WORDS)])
def test_a_missing_cell_is_missing_in_every_type(missing: str, column_type: str) -> None:
    assert converted([missing, missing], Column("c", column_type)) == ["", ""]
    assert converted([missing, None, missing], Column("c", column_type), in_json=True) == ["", "", ""]


@pytest.mark.parametrize(
    "field", ["-", "1-2", "--1", "+-1", "1_0", "\u0661\u0662", "e5", ".", "1e999", "NAN", "inf", "0x1", "1,2", "12 €"]
)
def test_what_is_no_finite_number_is_none_among_numbers_either(field: str) -> None:
    for column_type in NUMBERS:
        assert converted(["1", field, "2"], Column("c", column_type))[0] == 2


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e3", "1000"),
        ("60.0", "60"),
        ("6E+1", "60"),
        ("-0", "0"),
        ("1." + "0" * 5000, "1"),
        ("3.5", "expected a whole number of 64 bits, or null; got a number with a fraction"),
        ("1e-3", "expected a whole number of 64 bits, or null; got a number with a fraction"),
        ("9223372036854775808", "expected a whole number of 64 bits, or null; got a number of more than 64 bits"),
        ("-18446744073709551617", "expected a whole number of 64 bits, or null; got a number of more than 64 bits"),
        ("1e999", "expected a whole number of 64 bits, or null; got a number of more than 64 bits"),
    ],
)
def test_whole_numbers_of_any_spelling(text: str, expected: str, as_json: bool) -> None:
    values = [text.encode() if as_json else text]
    if " " in expected:
        assert refused(values, Column("c", "integer"), in_json=as_json) == expected
    else:
        assert converted(values, Column("c", "integer"), in_json=as_json) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 007\t", "7"),
        ("+1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5.0"),
        ("1.50", "1.50"),
        ("1E5", "1E5"),
        ("-0", "-0"),
        ("\r\n2.50\n", "2.50"),
        ("100000000000000000000", "1e+20"),
        ("9223372036854775807", "9223372036854775807"),
    ],
)
def test_a_number_leaves_in_its_own_digits_as_json_spells_them(text: str, expected: str) -> None:
    assert converted([text], Column("c", "number")) == [expected]


@pytest.mark.parametrize(
    "text", ["7e12345678901", "81e3104049863b72", "0101000020E6100000000000000000000840", "1e-1234567890"]
)
def test_a_text_at_which_the_models_reader_may_crash_is_refused_in_both_forms(text: str) -> None:
    schema = Schema((Column("a", "text"), Column("b", "number")), "y")
    body = json.dumps({"rows": [{"a": "x", "b": 1}, {"a": text, "b": 1}]}).encode()
    for prepare, sent in ((read_csv, f"a,b\nx,1\n{text},1\n".encode()), (read_json, body)):
        with pytest.raises(InvalidValue, match="an exponent of more than 9 digits") as refusal:
            prepare(sent, schema, max_rows=2)
        assert (refusal.value.members["row"], refusal.value.members["column"]) == (2, "a")
        assert text not in str(refusal.value)
    assert converted(["1e-1234567890"], Column("b", "number"))[0] == 1
    assert read_csv(b"a,b\nx7e12345678901,1\n", schema, max_rows=1).lines == [b"x7e12345678901,1\n"]


@pytest.mark.parametrize("prefix", ["", ".", " " * 60_000, "1." * 30_000], ids=["digits", "dot", "blanks", "dots"])
def test_a_long_text_of_digits_takes_no_longer_to_read_than_another(prefix: str) -> None:
    schema = Schema((Column("a", "text"), Column("b", "number")), "y")
    text = f"{prefix}{'1' * 60_000}xe1234567890"
    began = process_time()
    read_csv(f"a,b\n{text},1\n".encode(), schema, max_rows=1)
    read_json(json.dumps({"rows": [{"a": text, "b": 1}]}).encode(), schema, max_rows=1)
    assert process_time() - began < 1


def test_numbers_of_json_are_taken_in_texts_and_categories_in_their_own_digits() -> None:
    for column_type in ("text", "category", "empty"):
        assert converted([b"1.50", "a", b"1e3"], Column("c", column_type), in_json=True) == ["1.50", "a", "1e3"]
    assert refused([True], Column("c", "text"), in_json=True) == "expected text or a number, or null; got true or false"


def test_a_truth_is_written_in_the_words_of_training_and_blanks_count() -> None:
    column = Column("c", "boolean", frozenset({"FALSE", "TRUE"}))
    assert converted([True, "true", "False", None, "NA"], column, in_json=True) == ["TRUE", "TRUE", "FALSE", "", ""]
    assert converted([" true"], column) == (1, "row 1, column 'c': expected true or false, or null; got text")


@pytest.mark.parametrize(
    ("forms", "text", "expected"),
    [
        (("YYYY-MM-DD",), "2021-12-03", "2021-12-03"),
        (("YYYY-MM-DD",), "2021/12/3", "2021-12-03"),
        (("YYYY-MM-DD",), "31.12.2021", "2021-12-31"),
        (("YYYY-MM-DD",), "12/31/2021", "2021-12-31"),
        (("YYYY-MM-DD",), "05.05.2021", "2021-05-05"),
        (("YYYY-MM-DD",), "03.12.2021", "a date as DD.MM.YYYY or MM.DD.YYYY"),
        (("YYYY-MM-DD",), "2021-02-31", "text that is no day"),
        (("DD.MM.YYYY",), "3.12.2021", "3.12.2021"),
        (("DD.MM.YYYY",), "2021-12-03", "03.12.2021"),
        (("DD.MM.YYYY",), "31/12/2021", "31.12.2021"),
        (("DD.MM.YYYY",), "03/12/2021", "a date as DD/MM/YYYY or MM/DD/YYYY"),
        (("DD.MM.YYYY",), "31.02.2021", "text that is no day"),
        (("DD.MM.YYYY",), "12.31.2021", "a date as MM.DD.YYYY"),
        (("MM/DD/YYYY",), "03/12/2021", "03/12/2021"),
        (("MM/DD/YYYY",), "31/12/2021", "a date as DD/MM/YYYY"),
        (("YYYY-MM-DD", "DD.MM.YYYY"), "03.12.2021", "03.12.2021"),
        (("YYYY-MM-DD", "DD.MM.YYYY"), "31/12/2021", "a date as DD/MM/YYYY"),
        ((), "03.12.2021", "03.12.2021"),
        ((), "12/31/2021", "12/31/2021"),
        ((), "31.02.2021", "text that is no day"),
    ],
)
def test_a_date_leaves_in_its_columns_form_and_never_as_another_day(
    forms: tuple[str, ...], text: str, expected: str
) -> None:
    for column_type, time in (("date", ""), ("datetime", ""), ("datetime", " 17:03:01 UTC")):
        column = Column("c", column_type, forms=forms)
        if expected[0].isdigit():
            assert converted([text + time], column) == [expected + time]
        else:
            assert f"got {expected}" in refused([text + time], column)
            for form in forms:
                assert form in refused([text + time], column)


@given(st.dates(), st.sampled_from(["YYYY-MM-DD", "YYYY/MM/DD", *MONTH_FIRST, *MONTH_FIRST.values()]), FORMS)
def test_a_date_that_is_taken_is_the_day_that_was_meant(day: Any, sent: str, forms: tuple[str, ...]) -> None:
    if len(forms) != 1 or sent in {MONTH_FIRST.get(forms[0]), *(d for d, m in MONTH_FIRST.items() if m == forms[0])}:
        return  # in the other order of the column's own form nobody can tell
    found = converted([cells.day_written(day, sent)], Column("c", "date", forms=forms))
    assert found == [cells.day_written(day, forms[0])] or isinstance(found, tuple)


@pytest.mark.parametrize("text", ["2021-12-03\n2021-12-04", "2021-12-03\n 10:00"])
@pytest.mark.parametrize("column_type", ["date", "datetime"])
def test_a_date_holds_no_line_break(text: str, column_type: str) -> None:
    assert "expected a" in refused(["2021-12-03", text], Column("c", column_type, forms=("YYYY-MM-DD",)), in_json=True)


@pytest.mark.parametrize("column_type", ["date", "datetime"])
def test_space_and_line_breaks_around_a_date_are_left_out(column_type: str) -> None:
    column = Column("c", column_type, forms=("YYYY-MM-DD",))
    assert cells.convert([" 2021-12-03\n", "2021-12-04"], column, in_json=True) == ["2021-12-03", "2021-12-04"]


def test_a_date_with_a_time_is_none_of_a_column_of_days() -> None:
    message = "expected a date as YYYY-MM-DD, or null; got a date with a time"
    assert refused(["2021-12-03 10:00"], Column("c", "date", forms=("YYYY-MM-DD",))) == message


@given(st.lists(st.text(st.sampled_from('ab ,"\r\né\0\ud800'), max_size=5), min_size=2, max_size=4))
def test_texts_are_quoted_as_python_reads_them(texts: list[str]) -> None:
    if {"\0", "\ud800"} & set("".join(texts)):
        with pytest.raises(InvalidValue, match="no CSV file can"):
            fields(texts, Column("c", "text"))
        return
    written, are_quoted = fields(texts, Column("c", "text"))
    quote = '"' if are_quoted else ""
    for each in ([f"{quote}{text}{quote}" for text in written], map(cells.quoted, texts)):
        assert list(csv.reader(io.StringIO(",".join(each), newline=""), strict=True)) == [texts]


def test_a_text_has_at_most_as_many_bytes_as_a_cell_of_a_file() -> None:
    column = Column("c", "text")
    longest = ["é" * (BYTES_MAX // 2)]
    assert fields(longest, column) == (longest, False)
    with pytest.raises(InvalidValue, match=r"row 2, column 'c': the text has 131,074 bytes, and a cell has at most"):
        fields(["a", "é" * (BYTES_MAX // 2 + 1)], column)
