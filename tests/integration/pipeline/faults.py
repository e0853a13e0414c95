"""What may happen to a function: its process dies, a reply is lost, AWS fails for a while, it runs twice."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.functions import module_of
from tests.integration.pipeline.machine import Died

CONTEXT = SimpleNamespace(aws_request_id="8476a536", function_name="tenantml-f")
CONNECTIONS = URLLib3Session()


@dataclass
class Boundary:
    """The requests that leave the process. It dies at one of them, the first reply to each that writes is lost, or AWS
    fails them from one of them on, for as many as `blips` has.

    Once dead, no later request leaves the process, those of a `finally` included.
    """

    dies_at: int = 0
    fails_at: int = 0
    loses_replies: bool = False
    calls: int = 0
    blips: list[Blip] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, dies_at: int = 0) -> None:
        """Let a new process begin, and set at which of its calls it dies."""
        self.dies_at, self.calls = dies_at, 0

    def fail(self, fails_at: int, blips: Sequence[Blip]) -> None:
        """Let a new process begin, and set at which of its requests AWS begins to fail, and how."""
        self.calls, self.fails_at, self.blips = 0, fails_at, list(blips)

    def before_send(self, event_name: str, request: Any, **_: Any) -> AWSResponse | None:
        """Count a request that is about to leave; die before it, lose the reply to it, or answer it as a blip does."""
        self.calls += 1
        if self.dies_at and self.calls >= self.dies_at:
            raise Died
        reads = event_name.rpartition(".")[2].startswith(("Get", "List", "Describe", "Head", "Query"))
        if self.loses_replies and not reads and request.headers["amz-sdk-request"].startswith(b"attempt=1"):
            CONNECTIONS.send(request)
            raise ConnectionClosedError(endpoint_url=request.url)
        if self.blips and self.calls >= self.fails_at:
            return self.blips.pop(0)(request)
        return None

    @staticmethod
    def needs_retry(attempts: int, caught_exception: Exception | None, **_: Any) -> int | None:
        """Have botocore retry at once what it retries after a random time."""
        return 0 if attempts == 1 and isinstance(caught_exception, ConnectionClosedError) else None

    def listen(self, params: dict[str, Any], **_: Any) -> None:
        """Remember the details of published events."""
        self.published += [json.loads(entry["Detail"]) for entry in params["Entries"]]


Blip = Callable[[Any], AWSResponse]


def _answer(status: int, code: str) -> Blip:
    """AWS answers with an error; the protocols of S3, of queries and of JSON each find the code where they look."""

    def answer(request: Any) -> AWSResponse:
        body = json.dumps({"__type": code, "message": "later"})
        if request.headers.get("Content-Type", b"").startswith(b"application/x-www-form-urlencoded"):
            body = f"<ErrorResponse><Error><Code>{code}</Code><Message>later</Message></Error></ErrorResponse>"
        elif b"/s3/aws4_request" in request.headers.get("Authorization", b""):
            body = f"<Error><Code>{code}</Code><Message>later</Message></Error>"
        return AWSResponse(request.url, status, HTTPHeaders(), _Body(body.encode()))

    return answer


def _no_connection(request: Any) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url=request.url)


def _no_answer(request: Any) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url=request.url)


class _Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


BLIPS: dict[str, Blip] = {
    "throttled": _answer(400, "ThrottlingException"),
    "busy": _answer(503, "ServiceUnavailable"),
    "unknown": _answer(500, "HeardOfNever"),
    "too many": _answer(429, "HeardOfNever"),
    "no connection": _no_connection,
    "no answer": _no_answer,
}


class FailingInvoke:
    """Calls of which the first request fails for a while, then the second, and so on until none is left to fail.

    `lengths` and `kinds` are taken in turn: for how many requests AWS fails, and how.
    """

    def __init__(self, boundary: Boundary, lengths: Sequence[int], kinds: Sequence[str]) -> None:
        self._boundary, self._lengths, self._kinds = boundary, itertools.cycle(lengths), itertools.cycle(kinds)
        self.failed = Counter[str]()

    def __call__(self, function: str, payload: Any) -> Any:
        state = payload["state"]
        while True:
            blips = [BLIPS[next(self._kinds)] for _ in range(next(self._lengths))]
            self._boundary.fail(self.failed[state] + 1, blips)
            try:
                answer = call(function, payload)
            finally:
                began = len(self._boundary.blips) < len(blips)
                self.failed[state] += began
                self._boundary.fail(0, [])
            if not began:
                return answer


def call(function: str, payload: Any) -> Any:
    """Call a handler as Lambda does: JSON in, JSON out."""
    return json.loads(json.dumps(module_of(function).handler(json.loads(json.dumps(payload)), CONTEXT)))


class DyingInvoke:
    """Calls whose process dies at its first call to AWS, then at its second, and so on until it gets through."""

    def __init__(self, boundary: Boundary) -> None:
        self._boundary, self.deaths = boundary, Counter[str]()

    def __call__(self, function: str, payload: Any) -> Any:
        while True:
            state = payload.get("state", function)
            self._boundary.begin(dies_at=self.deaths[state] + 1)
            try:
                return call(function, payload)
            except Died:
                self.deaths[state] += 1
            finally:
                self._boundary.begin()


def twice(function: str, payload: Any) -> Any:
    """Call a handler twice, as Step Functions may."""
    call(function, payload)
    return call(function, payload)
