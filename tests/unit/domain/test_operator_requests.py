"""What operators ask is checked before anything is done."""

from __future__ import annotations

from typing import Any

import pytest

from tenantml.domain.tenancy import operator_requests
from tenantml.errors import InvalidOperation


def test_a_request_with_its_fields_is_returned() -> None:
    assert operator_requests.read({"tenant": "acme", "seconds": 5}, {"seconds": int}, tenant=str) == {
        "tenant": "acme",
        "seconds": 5,
    }
    assert operator_requests.read({"tenant": "acme"}, {"seconds": int}, tenant=str) == {"tenant": "acme"}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "tenant: missing"),
        ({"tenant": ""}, "tenant: expected text"),
        ({"tenant": 5}, "tenant: expected text"),
        ({"tenant": "acme", "seconds": "5"}, "seconds: expected a whole number"),
        ({"tenant": "acme", "seconds": True}, "seconds: expected a whole number"),
        ({"tenant": "acme", "more": 1}, "more: unknown field; there are tenant, seconds"),
        (["tenant"], "expected a JSON object with tenant, seconds"),
        (None, "expected a JSON object with tenant, seconds"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(request_: Any, words: str) -> None:
    with pytest.raises(InvalidOperation) as refused:
        operator_requests.read(request_, {"seconds": int}, tenant=str)
    assert words in str(refused.value)


@pytest.mark.parametrize("seconds", [0, 1, 30 * 24 * 3600])
def test_an_overlap_is_none_to_thirty_days(seconds: int) -> None:
    assert operator_requests.overlap_seconds(seconds) == seconds


@pytest.mark.parametrize("seconds", [-1, 30 * 24 * 3600 + 1])
def test_an_overlap_beyond_that_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidOperation):
        operator_requests.overlap_seconds(seconds)
