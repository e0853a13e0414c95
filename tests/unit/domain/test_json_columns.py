"""Columns that one pattern reads are those that a parser reads, or are left to the parser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.predictions import json_columns
from tenantml.domain.predictions.json_columns import DECODER

NAMES = ("a", 'the "b"', "ü %s (c)")
NUMERIC = {"a"}


def read(body: bytes, names: Sequence[str], numeric: set[str]) -> list[Sequence[Any]] | None:
    """What is read once the form has come before."""
    json_columns.read(body, names, numeric)
    return json_columns.read(body, names, numeric)


def parsed(body: bytes) -> list[list[Any]] | None:
    """What a parser reads from a request that holds rows of just these names; None when it is no such."""
    try:
        [(rows, found)] = DECODER.decode(body.decode())
    except (ValueError, TypeError):
        return None
    if rows != "rows" or any(sorted(name for name, _ in row) != sorted(NAMES) for row in found):
        return None
    return [[dict(row)[name] for row in found] for name in NAMES]


_numbers = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
_values = st.one_of(_numbers, st.booleans(), st.text(max_size=5), st.sampled_from(["\\", '"', '","', "\u2028", "}, {"]))
_rows = st.lists(st.tuples(_numbers, _values, _values), min_size=10, max_size=12)
_separators = st.sampled_from([(",", ":"), (", ", ": ")])


def written(
    rows: Sequence[Sequence[Any]], order: Sequence[int], separators: tuple[str, str], ascii_only: bool
) -> bytes:
    documents = [{NAMES[place]: row[place] for place in order} for row in rows]
    return json.dumps({"rows": documents}, separators=separators, ensure_ascii=ascii_only).encode()


@given(_rows, st.permutations(range(3)), _separators, st.booleans())
def test_rows_of_one_form_are_read_as_a_parser_reads_them(
    rows: list[tuple[Any, ...]], order: list[int], separators: tuple[str, str], ascii_only: bool
) -> None:
    body = written(rows, order, separators, ascii_only)
    found = read(body, NAMES, NUMERIC)
    assert found is not None
    assert [list(values) for values in found] == parsed(body)


_pieces = st.sampled_from(
    rb'| |\|"|,|:|{|}|[|]|0|-|.|e5|01|NaN|null|true|"a"|"a": 1, |{}|[1]|\u00|\ud800'.split(b"|")
    + b"\n|\x0b|\0|\xff|\xef\xbb\xbf".split(b"|")
)


@settings(max_examples=500)
@given(_rows, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), _pieces), min_size=1, max_size=3))
def test_whatever_is_in_a_body_is_read_as_a_parser_reads_it_or_not_at_all(
    rows: list[tuple[Any, ...]], changes: list[tuple[float, int, bytes]]
) -> None:
    body = written(rows, range(3), (", ", ": "), ascii_only=False)
    for share, length, piece in changes:
        place = int(share * len(body))
        body = body[:place] + piece + body[place + length :]
    found = read(body, NAMES, NUMERIC)
    if found is not None:
        assert [list(values) for values in found] == parsed(body)


@pytest.mark.parametrize(
    "other",
    [
        '"b": "x", "a": 1',
        '"a": 1, "a": 1, "b": "x"',
        '"a": "1", "b": "x"',
        '"a": 1, "b": {}',
        '"a": 1, "b": []',
        '"a":  1, "b": "x"',
        '"a": 1, "c": "x"',
        '"a": 01, "b": "x"',
        r'"a": 1, "b": "\q"',
    ],
)
def test_a_row_of_another_form_is_left_to_the_parser(other: str) -> None:
    rows = ['{"a": 1, "b": "x"}'] * 10
    whole = '{"rows": [%s]}'
    assert read((whole % ", ".join(rows)).encode(), ("a", "b"), {"a"}) == [[b"1"] * 10, ["x"] * 10]
    for place in (0, 4, 9):
        changed = [*rows[:place], f"{{{other}}}", *rows[place + 1 :]]
        assert read((whole % ", ".join(changed)).encode(), ("a", "b"), {"a"}) is None


def test_few_rows_are_left_to_the_parser_for_a_pattern_costs_more() -> None:
    assert read(written([(1, "x", "y")] * 9, range(3), (",", ":"), ascii_only=False), NAMES, NUMERIC) is None


def test_many_columns_are_left_to_the_parser_which_is_faster_there() -> None:
    for count, at_once in ((100, True), (101, False)):
        row = dict.fromkeys(map(str, range(count)), 1)
        assert (read(json.dumps({"rows": [row] * 10}).encode(), tuple(row), set(row)) is not None) == at_once


def test_the_first_request_of_a_form_is_left_to_the_parser_for_there_may_be_no_second() -> None:
    names = ("only", "here")
    bodies = [json.dumps({"rows": [dict.fromkeys(order, 1)] * 10}).encode() for order in (names, names[::-1], names)]
    assert [json_columns.read(body, names, set()) is None for body in bodies] == [True, True, False]
