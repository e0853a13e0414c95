"""Every row of a file that the pre-flight lets through can be predicted, as CSV and as JSON, with the same line."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.domain.meaning import NULL_WORDS, boolean_of, is_missing, number_of, whole_number_of
from tenantml.domain.predictions import holdout
from tenantml.domain.predictions.cells import JSON_NUMBER, Column
from tenantml.domain.predictions.rows import Schema, read_csv, read_json
from tenantml.errors import DatasetError
from tenantml_analysis.inspection import InspectionSettings, inspect

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = st.sampled_from(["", " ", "\t ", *sorted(NULL_WORDS)])
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["1e3", "60.0", "+5", "007", ".5", "5.", " 7 ", "1.50", "-0", "1E-7", "inf", "NAN", "1e999"]),
    st.sampled_from(
        ["7\n", "\r\n1.5", "\f2", "18446744073709551616", "9223372036854775808", "7e12345678901", "1e-400"]
    ),
)
BOOLEANS = st.sampled_from(["true", "false", "TRUE", "False", "tRUE", " true"])
DATES = [
    st.dates().map(str),
    st.dates().map("{:%d.%m.%Y}".format),
    st.dates().map("{:%m/%d/%Y}".format),
    st.datetimes().map(str),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
WHOLE = st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(["+5", "007", " 7\n", "-0"])
CATEGORIES = st.sampled_from(["red", "Red", "a, b", 'say "c"', "d\ne", "None ", "=1+1", "true", "60", "兄", "\x85"])
COLUMNS = st.sampled_from(
    [NUMBERS, WHOLE, st.integers(-99, 99).map(str), BOOLEANS, *DATES, DATES[0] | DATES[1], CATEGORIES, TEXTS]
)
ROWS = 6


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """One to three columns of a kind each, some of whose cells are missing."""
    kinds = draw(st.lists(COLUMNS, min_size=1, max_size=3))
    columns = [draw(st.lists(kind | MISSING, min_size=ROWS, max_size=ROWS)) for kind in kinds]
    return [list(row) for row in zip(*columns, strict=True)]


def written(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def in_json(text: str, column: Column) -> str:
    """The cell as an app writes it that reads the file by the column's type."""
    number = number_of(text)
    if is_missing(text):
        return "null"
    if column.type == "boolean":
        return json.dumps(boolean_of(text))
    if column.type == "integer":
        return json.dumps(whole_number_of(text))
    if column.type == "number" and number is not None:
        return text if JSON_NUMBER.fullmatch(text) else repr(number)
    return json.dumps(text)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(tables(), st.booleans())
def test_a_row_that_trained_is_predicted_alike_in_both_forms(rows: list[list[str]], ignores: bool) -> None:
    names = [f"column {number}" for number in range(len(rows[0]))]
    file = written([[*names, "y"], *([*row, "ab"[number % 2]] for number, row in enumerate(rows))])
    ignored = tuple(names[1:2]) if ignores else ()
    trained_with = InspectionSettings(target="y", salt="any", min_training_rows=2, ignore_columns=ignored)
    try:
        profile = inspect([file], trained_with, io.BytesIO(), io.BytesIO()).profile
    except DatasetError:
        return
    schema = Schema.from_profile(profile)
    objects = []
    columns = {column.name: column for column in schema.columns}
    for row in rows:
        cells = (
            f'"{name}": {in_json(text, columns.get(name, Column(name, "text")))}'
            for name, text in zip(names, row, strict=True)
        )
        objects.append(f"{{{', '.join(cells)}}}")
    sent = read_csv(written([names, *rows]), schema, max_rows=ROWS)
    assert sent == read_json(f'{{"rows": [{", ".join(objects)}]}}'.encode(), schema, max_rows=ROWS)
    assert (len(sent.lines), sent.advice) == (ROWS, [])
    for row, line in zip(rows, sent.lines, strict=True):
        trained = [text for name, text in zip(names, row, strict=True) if name not in ignored]
        arrived = next(csv.reader(io.StringIO(line.decode(), newline="")))
        assert list(map(meaning_of, arrived)) == list(map(meaning_of, trained))


def meaning_of(text: str) -> object:
    """What training makes of a cell, whatever it is called in its column."""
    number, truth = number_of(text), boolean_of(text)
    if is_missing(text):
        return None
    return truth if truth is not None else text if number is None else float(number)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(tables(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_row_that_was_held_out_is_asked_about_as_an_app_would(rows: list[list[str]], line_end: str) -> None:
    names = [f"column {number}" for number in range(len(rows[0]))]
    text = io.StringIO()
    labelled = [[*names, "y"], *([*row, "ab"[number % 2]] for number, row in enumerate(rows * 2))]
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerows(labelled)
    part, trained_with = io.BytesIO(), InspectionSettings("y", "any", min_training_rows=2, holdout_fraction=0.5)
    try:
        profile = inspect([text.getvalue().encode()], trained_with, io.BytesIO(), part).profile
    except DatasetError:
        return
    schema, held_out = Schema.from_profile(profile), list(csv.reader(io.StringIO(part.getvalue().decode(), newline="")))
    found = holdout.read(part.getvalue(), "y", 2)
    assert list(found.truths) == [row[-1] for row in held_out[1:]]
    if found.truths:  # of few different rows, all may be needed for training
        sent = read_csv(written([row[:-1] for row in held_out]), schema, max_rows=99)
        assert found.lines(schema) == sent.lines


@pytest.mark.parametrize(("classes", "every"), [(0, 2), (2, 2), (2_000, 20)])
def test_of_more_rows_than_there_are_time_and_memory_for_an_even_sample_is_asked_about(
    classes: int, every: int
) -> None:
    text = "a,y\n" + "".join(f"{number},b\n" for number in range(40_000))
    found = holdout.read(text.encode(), "y", classes)
    assert [int(text) for text in found.columns["a"]] == list(range(0, 40_000, every))
    assert len(found.truths) == 40_000 // every


def test_a_column_that_training_ignored_may_be_sent_and_is_left_out() -> None:
    file = written(
        [["id", "a", "y"], *([str(number), str(number % 7), "no" if number % 2 else "yes"] for number in range(9))]
    )
    trained_with = InspectionSettings(target="y", salt="any", min_training_rows=2, ignore_columns=("id",))
    schema = Schema.from_profile(inspect([file], trained_with, io.BytesIO(), io.BytesIO()).profile)
    with_it = read_csv(written([["id", "a"], ["x", "3"]]), schema, max_rows=1)
    without = read_json(b'{"rows": [{"a": 3}]}', schema, max_rows=1)
    assert with_it.lines == without.lines == [b"3\n"]


def blocks() -> list[str]:
    """The characters of all of Unicode that UTF-8 can write, 256 at a time, but for NUL."""
    starts = range(0, 0x110000, 0x100)
    points = (
        [point for point in range(start, start + 0x100) if point and not 0xD800 <= point < 0xE000] for start in starts
    )
    return ["".join(map(chr, block)) for block in points if any(unicodedata.category(chr(p)) != "Cn" for p in block)]


@pytest.mark.parametrize("kind", ["text", "category", "empty"])
def test_every_character_of_unicode_arrives_alike_in_both_forms(kind: str) -> None:
    schema = Schema((Column("a", kind), Column("b", "integer")), "y")
    texts = [f"x{text}{character}y" for text in blocks() for character in ("", text[0], text[-1])]
    sent = read_csv(written([["a", "b"], *([text, "1"] for text in texts)]), schema, max_rows=10_000)
    assert [next(csv.reader(io.StringIO(line.decode(), newline="")))[0] for line in sent.lines] == texts
    for ascii_only in (True, False):
        body = json.dumps({"rows": [{"a": text, "b": 1} for text in texts]}, ensure_ascii=ascii_only).encode()
        assert read_json(body, schema, max_rows=10_000) == sent


@pytest.mark.parametrize("text", sorted(NULL_WORDS))
def test_a_word_for_a_missing_value_is_null_in_both_forms(text: str) -> None:
    schema = Schema((Column("a", "text"), Column("b", "integer")), "y")
    body = json.dumps({"rows": [{"a": text, "b": text}]}).encode()
    assert read_csv(written([["a", "b"], [text, text]]), schema, max_rows=1).lines == [b",\n"]
    assert read_json(body, schema, max_rows=1).lines == [b",\n"]
