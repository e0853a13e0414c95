"""What is written to the registry is read back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.aws.dynamodb import from_item, to_item

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.none() | st.booleans() | st.integers(-(10**37), 10**37) | TEXT
DOCUMENTS = st.dictionaries(
    TEXT, st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=10)
)


@given(DOCUMENTS)
@settings(max_examples=30, deadline=None)
def test_a_document_is_read_back_as_it_was_written(document: dict[str, Any]) -> None:
    assert from_item(to_item(document)) == document


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100))
def test_a_number_is_read_back_to_fifteen_digits(value: float) -> None:
    assert from_item(to_item({"value": value}))["value"] == pytest.approx(value, rel=1e-14, abs=1e-100)
