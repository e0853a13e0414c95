"""What no log and no execution may hold: a secret, or a cell of a tenant's data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.logs import logged

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud

CELL = "Q7-secret-cell"
"""A cell of the files that tests send to see where it comes out again."""

# An API key, a webhook's secret, credentials, and a signed link.
_SECRETS = (
    r"tml_[\w-]{20}", r"whsec_[\w+/]{20}", "SecretAccessKey", "SessionToken",
    "X-Amz-Signature=", "X-Amz-Security-Token", CELL,
)  # fmt: skip


def leaks(cloud: EmbeddedCloud) -> Iterator[str]:
    """Yield where something that is secret was written, with what is around it."""
    secret = re.compile("|".join([*_SECRETS, *map(re.escape, _external_ids(cloud))]), re.IGNORECASE)
    for where, text in _written(cloud):
        for found in secret.finditer(text):
            yield f"{where}: {text[max(0, found.start() - 60) : found.end()]}"


def _external_ids(cloud: EmbeddedCloud) -> Iterator[str]:
    dynamodb = cloud.client("dynamodb")
    for table in _all(dynamodb, "list_tables", "TableNames"):
        for row in _all(dynamodb, "scan", "Items", TableName=table):
            if "external_id" in row:
                yield row["external_id"]["S"]


def _written(cloud: EmbeddedCloud) -> Iterator[tuple[str, str]]:
    yield from (("a log", line) for line in logged(cloud))
    steps = cloud.client("stepfunctions")
    for machine in _all(steps, "list_state_machines", "stateMachines"):
        for row in _all(steps, "list_executions", "executions", stateMachineArn=machine["stateMachineArn"]):
            history = _all(steps, "get_execution_history", "events", executionArn=row["executionArn"])
            yield row["executionArn"], json.dumps([*history], default=str)


def _all(client: Any, operation: str, key: str, **asked: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page[key]
