"""What no log and no execution may hold: a secret, or a cell of a tenant's data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud

CELL = "Q7-secret-cell"
"""A cell of the files that tests send to see where it comes out again."""

# An API key, a webhook's secret, an external ID, credentials, and a signed link.
_SECRETS = re.compile(
    r"tml_[\w-]{20}|whsec_[\w+/]{20}|(?<![\w-])tenantml-[\w-]{43}(?![\w-])|SecretAccessKey|SessionToken|X-Amz-Signature=|"
    f"X-Amz-Security-Token|{CELL}",
    re.IGNORECASE,
)


def leaks(cloud: EmbeddedCloud) -> Iterator[str]:
    """Yield where something that is secret was written, with what is around it."""
    for where, text in _written(cloud):
        for found in _SECRETS.finditer(text):
            yield f"{where}: {text[max(0, found.start() - 60) : found.end()]}"


def _written(cloud: EmbeddedCloud) -> Iterator[tuple[str, str]]:
    logs, steps = cloud.client("logs"), cloud.client("stepfunctions")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
            yield from ((name, event["message"]) for event in page["events"])
    for machine in _all(steps, "list_state_machines", "stateMachines"):
        for row in _all(steps, "list_executions", "executions", stateMachineArn=machine["stateMachineArn"]):
            history = _all(steps, "get_execution_history", "events", executionArn=row["executionArn"])
            yield row["executionArn"], json.dumps([*history], default=str)


def _all(client: Any, operation: str, key: str, **asked: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page[key]
