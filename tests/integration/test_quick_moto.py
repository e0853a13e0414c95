"""moto answers as it does as shipped."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.serialize import BaseJSONSerializer

from tests.integration import quick_moto

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
NUMBERS = st.integers(-(10**20), 10**20).map(str)
SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    NUMBERS.map(lambda number: {"N": number}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.binary(min_size=1, max_size=5).map(lambda content: {"B": content}),
    st.sets(NUMBERS, min_size=1, max_size=3).map(lambda found: {"NS": sorted(found)}),
    st.sets(st.text(min_size=1, max_size=3), min_size=1, max_size=3).map(lambda found: {"SS": sorted(found)}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: {"L": found}),
        st.dictionaries(st.sampled_from(["S", "N", "a"]), inner, max_size=3).map(lambda found: {"M": found}),
    ),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attributes=st.dictionaries(st.sampled_from(["S", "a", "value"]), VALUES, max_size=3))
def test_an_item_comes_back_as_moto_answers_it_as_shipped(
    attributes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = attributes | {"pk": {"S": "1"}}
    assert BaseJSONSerializer._serialize_type_structure is quick_moto.quick
    with mock_aws(), monkeypatch.context() as patch:
        client = boto3.client(
            "dynamodb", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
        key = {"AttributeName": "pk", "KeyType": "HASH"}
        kinds = [{"AttributeName": "pk", "AttributeType": "S"}]
        client.create_table(TableName="t", KeySchema=[key], AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST")
        client.put_item(TableName="t", Item=item)
        quickly = [client.get_item(TableName="t", Key={"pk": {"S": "1"}})["Item"], client.scan(TableName="t")["Items"]]
        patch.setattr(BaseJSONSerializer, "_serialize_type_structure", quick_moto.SHIPPED)
        shipped = [client.get_item(TableName="t", Key={"pk": {"S": "1"}})["Item"], client.scan(TableName="t")["Items"]]
        assert quickly == shipped == [item, [item]]
