"""Pages: tokens are read as they were written, and nothing else is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain import pagination
from tenantml.domain.pagination import Page, PageRequest
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
