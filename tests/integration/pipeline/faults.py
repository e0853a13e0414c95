"""What may happen to a function: its process dies, a reply is lost, it runs twice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import to_item
from tenantml.services import grants
from tenantml.settings import setting
from tests.functions import module_of
from tests.integration.pipeline.machine import Died

CONTEXT = SimpleNamespace(aws_request_id="8476a536", function_name="tenantml-f")
CONNECTIONS = URLLib3Session()


@dataclass
class Boundary:
    """The calls that leave the process. It dies at one of them, or the first reply to each that writes is lost.

    Once dead, no later call leaves the process, those of a `finally` included.
    """

    dies_at: int = 0
    loses_replies: bool = False
    calls: int = 0
    published: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, dies_at: int = 0) -> None:
        """Let a new process begin, and set at which of its calls it dies."""
        self.dies_at, self.calls = dies_at, 0

    def before_send(self, event_name: str, request: Any, **_: Any) -> None:
        """Count a call that is about to leave; die before it, or lose the reply to it."""
        self.calls += 1
        if self.dies_at and self.calls >= self.dies_at:
            raise Died
        reads = event_name.rpartition(".")[2].startswith(("Get", "List", "Describe", "Head", "Query"))
        if self.loses_replies and not reads and request.headers["amz-sdk-request"].startswith(b"attempt=1"):
            CONNECTIONS.send(request)
            raise ConnectionClosedError(endpoint_url=request.url)

    @staticmethod
    def needs_retry(attempts: int, caught_exception: Exception | None, **_: Any) -> int | None:
        """Have botocore retry at once what it retries after a random time."""
        return 0 if attempts == 1 and isinstance(caught_exception, ConnectionClosedError) else None

    def listen(self, params: dict[str, Any], **_: Any) -> None:
        """Remember the details of published events."""
        self.published += [json.loads(entry["Detail"]) for entry in params["Entries"]]


def call(function: str, payload: Any) -> Any:
    """Call a handler as Lambda does: JSON in, JSON out."""
    return json.loads(json.dumps(module_of(function).handler(json.loads(json.dumps(payload)), CONTEXT)))


class DyingInvoke:
    """Calls whose process dies at its first call to AWS, then at its second, and so on until it gets through."""

    def __init__(self, boundary: Boundary) -> None:
        self._boundary, self.deaths = boundary, Counter[str]()

    def __call__(self, function: str, payload: Any) -> Any:
        while True:
            self._boundary.begin(dies_at=self.deaths[payload["state"]] + 1)
            try:
                return call(function, payload)
            except Died:
                self.deaths[payload["state"]] += 1
            finally:
                self._boundary.begin()
            forget_locks()


def twice(function: str, payload: Any) -> Any:
    """Call a handler twice, as Step Functions may."""
    call(function, payload)
    return call(function, payload)


def forget_locks() -> None:
    """Let as much time pass as a dead writer's lock is held."""
    table = setting("GRANTS_TABLE")
    for item in platform("dynamodb").scan(TableName=table)["Items"]:
        if item["grant_id"] == {"S": grants.LOCK}:
            held = {"held_until": int(item["held_until"]["N"]) - grants.LOCK_SECONDS - 1}
            platform("dynamodb").put_item(TableName=table, Item=item | to_item(held))
