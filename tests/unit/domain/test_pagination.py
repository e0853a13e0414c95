"""Pages: tokens are read as they were written, and nothing else is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.api import pagination
from tenantml.domain.api.pagination import Page, PageRequest
from tenantml.errors import InvalidRequest


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), min_size=1, max_size=3))
def test_a_token_is_read_as_it_was_written(position: dict[str, str]) -> None:
    token = pagination.token_of(position)
    assert pagination.read({"next_token": token}) == PageRequest(50, position)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]{0,40}", fullmatch=True))
def test_any_other_text_is_refused(token: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert pagination.token_of(pagination.position_of(token)) == token


@pytest.mark.parametrize("limit", ["", "0", "101", "-1", "1.0", "9" * 5000, "٣", "x"])
def test_a_limit_is_a_whole_number_within_bounds(limit: str) -> None:
    with pytest.raises(InvalidRequest, match="limit"):
        pagination.read({"limit": limit})


def test_the_last_page_has_no_token() -> None:
    assert Page([], None).next_token is None
    assert Page([], {"sk": "MODEL#a"}).next_token


def test_a_list_that_is_known_as_a_whole_is_given_in_pages() -> None:
    rows = [{"number": number} for number in range(5)]
    query: dict[str, str] = {"limit": "2"}
    found: list[dict[str, int]] = []
    pages = 0
    while True:
        page = pagination.page_of(rows, pagination.read(query))
        found += page.rows
        pages += 1
        if page.next_token is None:
            break
        query["next_token"] = page.next_token
    assert (found, pages) == (rows, 3)
    assert pagination.page_of([], pagination.read({})).rows == []
    beyond = pagination.token_of({"offset": "9"})
    assert pagination.page_of(rows, pagination.read({"next_token": beyond})).rows == []


@pytest.mark.parametrize("position", [{"sk": "a"}, {"offset": "0"}, {"offset": "-1"}, {"offset": "1", "sk": "a"}, {}])
def test_a_position_of_another_list_is_refused(position: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="this list"):
        pagination.page_of([], pagination.PageRequest(2, position))


def test_a_list_may_have_longer_pages() -> None:
    assert pagination.read({}, 1000, 1000).limit == 1000
    with pytest.raises(InvalidRequest, match="to 1000"):
        pagination.read({"limit": "1001"}, 1000, 1000)
