"""The evidence table: receipts and reports of removals, which outlive the registry's rows.

Everything of a tenant is under one partition key. No role of ours may delete from it, so this module cannot: what is to
be forgotten is written with its end, and DynamoDB deletes it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from tenantml.aws.dynamodb import from_item, to_item
from tenantml.services import tenant_scope
from tenantml.services.registry.keys import Key
from tenantml.settings import setting

FORGET_AT = "forget_at"
DAY_SECONDS = 24 * 3600


def now() -> str:
    """Return the time as evidence states it: ISO 8601, UTC, seconds, like CloudTrail's `eventTime`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kept_days() -> int:
    """Return for how many days each call of a receipt is kept; 0 is for ever."""
    return int(setting("RECEIPT_DAYS", "0"))


def expires_at() -> dict[str, int]:
    """Return when what is written now is forgotten, as DynamoDB's time to live wants it; empty when it never is."""
    days = kept_days()
    return {FORGET_AT: int(time.time()) + days * DAY_SECONDS} if days else {}


def put_request(key: Key, document: dict[str, Any]) -> dict[str, Any]:
    """Return the request that writes a row."""
    return {"TableName": setting("EVIDENCE_TABLE"), "Item": to_item(key._asdict() | document)}


def put(key: Key, document: dict[str, Any]) -> None:
    """Write a row."""
    tenant_scope.dynamodb().put_item(**put_request(key, document))


def get(key: Key) -> dict[str, Any] | None:
    """Return a row without its keys, or None."""
    answer = tenant_scope.dynamodb().get_item(
        TableName=setting("EVIDENCE_TABLE"), Key=to_item(key._asdict()), ConsistentRead=True
    )
    return _without_keys(from_item(answer["Item"])) if "Item" in answer else None


def query(beginning: Key) -> list[dict[str, Any]]:
    """Return the rows whose sort key has this beginning, without their keys, in the order of their sort keys."""
    pages = (
        tenant_scope.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=setting("EVIDENCE_TABLE"),
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": beginning.pk, ":prefix": beginning.sk}),
            ConsistentRead=True,
        )
    )
    return [_without_keys(from_item(item)) for page in pages for item in page["Items"]]


def _without_keys(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in Key._fields}
