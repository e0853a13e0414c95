"""The registry's one table: rows by their two keys, with conditions, lists and pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from tenantml.aws.dynamodb import from_item, to_item, to_value
from tenantml.aws.error_codes import CONDITION_FAILED, CONFLICT, AwsError, code_of
from tenantml.domain.api.pagination import Page, PageRequest
from tenantml.errors import InvalidRequest
from tenantml.services import tenant_scope
from tenantml.services.registry.keys import Key
from tenantml.settings import setting

READ_ROWS = 1000  # of a filtered list for one page: rows have 2 KB, and somebody waits


def now() -> str:
    """Return the time as the registry writes it: ISO 8601, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def at(key: Key) -> dict[str, Any]:
    """Return the part of a request that names the row."""
    return {"TableName": setting("REGISTRY_TABLE"), "Key": to_item(key._asdict())}


def put_request(key: Key, document: dict[str, Any]) -> dict[str, Any]:
    """Return the request that writes a row."""
    return {"TableName": setting("REGISTRY_TABLE"), "Item": to_item(key._asdict() | document)}


def get(key: Key, consistent: bool = True) -> dict[str, Any] | None:
    """Return a row, or None."""
    answer = tenant_scope.dynamodb().get_item(**at(key), ConsistentRead=consistent)
    return from_item(answer["Item"]) if "Item" in answer else None


def put(key: Key, document: dict[str, Any], condition: str | None = None) -> bool:
    """Write a row; with a condition, return whether it held."""
    request = put_request(key, document)
    if condition:
        request["ConditionExpression"] = condition
    return _holds(tenant_scope.dynamodb().put_item, request)


def update(key: Key, values: dict[str, Any], condition: str | None = None, **operands: Any) -> bool:
    """Set attributes of a row; with a condition (its operands as `:name`), return whether it held."""
    return _holds(tenant_scope.dynamodb().update_item, update_request(key, values, condition, **operands))


def update_request(key: Key, values: dict[str, Any], condition: str | None = None, **operands: Any) -> dict[str, Any]:
    """Return the request that sets attributes of a row; a condition names the first of them `#0`."""
    names = {f"#{index}": name for index, name in enumerate(values)}
    sets = ", ".join(f"#{index} = :{index}" for index in range(len(values)))
    request: dict[str, Any] = {
        **at(key),
        "UpdateExpression": f"SET {sets}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{index}": to_value(value) for index, value in enumerate(values.values())}
        | {f":{name}": to_value(value) for name, value in operands.items()},
    }
    if condition:
        request["ConditionExpression"] = condition
    return request


def add(key: Key, counts: dict[str, int], forget_at: int) -> None:
    """Add to numbers of a row, which DynamoDB forgets after `forget_at`, in seconds since 1970; one that is not there
    begins at 0.
    """
    tenant_scope.dynamodb().update_item(
        **at(key),
        UpdateExpression="SET forget_at = :forget_at ADD " + ", ".join(f"#{name} :{name}" for name in counts),
        ExpressionAttributeNames={f"#{name}": name for name in counts},
        ExpressionAttributeValues={
            f":{name}": to_value(count) for name, count in (counts | {"forget_at": forget_at}).items()
        },
    )


def add_in_window(key: Key, counts: dict[str, int], window: int, forget_at: int) -> None:
    """Add to numbers of a row as `add` does, and to those of its `window`, which begin with `window_`. A later window
    begins at 0; those of the one that it follows then begin with `before_`.
    """
    totals = ", ".join(f"#{name} :{name}" for name in counts)
    within = ", ".join(f"#window_{name} :{name}" for name in counts)
    begun = ", ".join(
        f"#before_{name} = if_not_exists(#window_{name}, :none), #window_{name} = :{name}" for name in counts
    )
    names = {f"#{kind}{name}": f"{kind}{name}" for kind in ("", "window_") for name in counts} | {"#window": "window"}
    values = {name: to_value(count) for name, count in ({"window": window, "forget_at": forget_at} | counts).items()}
    goes_on = {
        **at(key),
        "UpdateExpression": f"SET forget_at = :forget_at ADD {totals}, {within}",
        "ConditionExpression": "#window >= :window",  # of a clock that is ahead of ours as well
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }
    begins = goes_on | {
        "UpdateExpression": f"SET forget_at = :forget_at, #window = :window, {begun} ADD {totals}",
        "ConditionExpression": "attribute_not_exists(#window) OR #window < :window",
        "ExpressionAttributeNames": names | {f"#before_{name}": f"before_{name}" for name in counts},
        "ExpressionAttributeValues": goes_on["ExpressionAttributeValues"] | {":none": to_value(0)},
    }
    for request in (goes_on, begins, goes_on):  # another process may begin the window between the first two
        if _holds(tenant_scope.dynamodb().update_item, request):
            return


def update_all(requests: list[dict[str, Any]]) -> bool:
    """Make several updates in one write, all or none of them; return whether all conditions held and nobody else was
    writing one of the rows.
    """
    try:
        tenant_scope.dynamodb().transact_write_items(TransactItems=[{"Update": request} for request in requests])
    except AwsError as error:
        if code_of(error) in CONDITION_FAILED | CONFLICT:
            return False
        raise
    return True


def _holds(call: Any, request: dict[str, Any]) -> bool:
    try:
        call(**request)
    except AwsError as error:
        if code_of(error) in CONDITION_FAILED:
            return False
        raise
    return True


def query(beginning: Key) -> list[dict[str, Any]]:
    """Return every row of a partition whose sort key has this beginning, in the order of the sort keys."""
    return list(each(beginning))


def each(beginning: Key, page_rows: int = 1000) -> Iterator[dict[str, Any]]:
    """Yield these rows, a page of at most so many read when it is needed."""
    prefix = {":prefix": beginning.sk} if beginning.sk else {}
    pages = (
        tenant_scope.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=setting("REGISTRY_TABLE"),
            KeyConditionExpression="pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            ExpressionAttributeValues=to_item({":pk": beginning.pk, **prefix}),
            ConsistentRead=True,
            PaginationConfig={"PageSize": page_rows},
        )
    )
    return (from_item(item) for page in pages for item in page["Items"])


def read_page(
    beginning: Key,
    page: PageRequest,
    *,
    newest_first: bool = False,
    index: str = "",
    matches: Callable[[dict[str, Any]], bool] | None = None,
) -> Page:
    """Return at most `page.limit` rows of a kind that match, in the order of their sort keys or of an index on
    `uploaded_at`.

    A list that is filtered is read no further than to its last row that matches, and over `READ_ROWS` rows at most: its
    page may have fewer rows than asked for, or none, and yet not be the last one.

    Raises:
        InvalidRequest: the page's position is not one in such a list.
    """
    pk, prefix = beginning
    sort_keys = {"sk", "uploaded_at"} if index else {"sk"}
    request: dict[str, Any] = {
        "TableName": setting("REGISTRY_TABLE"),
        "KeyConditionExpression": "pk = :pk" if index else "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": to_item({":pk": pk} | ({} if index else {":prefix": prefix})),
        "ScanIndexForward": not newest_first,
        # A page and the row after it; filtered lists read on in larger pieces.
        "Limit": page.limit + 1,
    } | ({"IndexName": index} if index else {"ConsistentRead": True})
    if page.after is not None:
        after = page.after
        if after.keys() != sort_keys or not after["sk"].startswith(prefix) or len(json.dumps(after)) > 1024:
            raise InvalidRequest("next_token: not a token of this list; start without one")
        request["ExclusiveStartKey"] = to_item({"pk": pk, **after})
    rows: list[dict[str, Any]] = []
    read = 0
    while True:
        answer = tenant_scope.dynamodb().query(**request)
        found = [from_item(item) for item in answer["Items"]]
        rows += filter(matches, found) if matches else found
        read += len(found)
        if len(rows) > page.limit:
            rows = rows[: page.limit]
            return Page(rows, {name: rows[-1][name] for name in sort_keys})
        if "LastEvaluatedKey" not in answer:
            return Page(rows, None)
        last = from_item(answer["LastEvaluatedKey"])
        if matches and (len(rows) == page.limit or read >= READ_ROWS):
            return Page(rows, {name: last[name] for name in sort_keys})
        request |= {"ExclusiveStartKey": answer["LastEvaluatedKey"], "Limit": 200}


def delete(key: Key) -> None:
    """Delete a row, if there is one."""
    tenant_scope.dynamodb().delete_item(**at(key))
