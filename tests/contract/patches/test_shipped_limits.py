"""Limits that the emulator keeps as it ships, and that we stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.cloud import EmbeddedCloud

ITEM_BYTES = 400 * 1024


def test_an_item_ends_at_400_kb(cloud: EmbeddedCloud, unique: Callable[[str], str], code_of: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html, "Item size"."""
    dynamodb, table = cloud.client("dynamodb"), unique("table")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"pk": {"S": "a"}}
    rest = ITEM_BYTES - len("pk") - len("a") - len("value")
    dynamodb.put_item(TableName=table, Item=key | {"value": {"S": "x" * rest}})
    refused = code_of(dynamodb.put_item, TableName=table, Item=key | {"value": {"S": "x" * (rest + 1)}})
    assert (refused, code_of.message) == ("ValidationException", "Item size has exceeded the maximum allowed size")
    update = {"UpdateExpression": "SET more = :more", "ExpressionAttributeValues": {":more": {"S": "x"}}}
    assert code_of(dynamodb.update_item, TableName=table, Key=key, **update) == "ValidationException"
