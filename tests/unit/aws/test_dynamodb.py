"""What is written to the registry is in DynamoDB's form, as boto3 maps it, and is read back as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
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
def test_a_document_is_written_as_boto3_does_and_read_back_as_it_was(document: dict[str, Any]) -> None:
    item = to_item(document)
    assert item == {name: TypeSerializer().serialize(value) for name, value in document.items()}
    assert {name: TypeDeserializer().deserialize(value) for name, value in item.items()} == document
    assert from_item(item) == document


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100))
def test_a_number_is_read_back_to_fifteen_digits(value: float) -> None:
    assert from_item(to_item({"value": value}))["value"] == pytest.approx(value, rel=1e-14, abs=1e-100)


@pytest.mark.parametrize("value", [1e-120, -1e-130, 5e-324])
def test_what_is_too_small_for_dynamodb_is_zero(value: float) -> None:
    assert from_item(to_item({"value": value})) == {"value": 0}


@pytest.mark.parametrize("value", [Decimal(1), b"bytes", {1, 2}, object()])
def test_what_json_does_not_have_is_a_bug(value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        to_item({"value": value})
