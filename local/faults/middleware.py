"""In front of the embedded cloud: recognises calls, and lets happen to them what a test has switched on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel
from hypercorn.protocol.http_stream import ASGIHTTPState
from ministack.core import iam_evaluator
from ministack.core.responses import set_request_account_id

from local.faults import HEADER, PATH, Fault, events
from local.faults.answers import ANSWERED, answer
from local.faults.calls import operation_of
from local.faults.switches import Switches

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class FaultyCloud:
    """The cloud behind `cloud`, whose faults whoever knows `word` switches."""

    def __init__(self, cloud: Asgi, switches: Switches, word: str) -> None:
        self._cloud, self._switches, self._word = cloud, switches, word

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._cloud(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"] == PATH and headers.get(HEADER) == self._word:
            await _send(send, *self._switch(scope["method"], await _body(receive)))
            return
        body = await _body(receive)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        called = operation_of(scope["method"], scope["path"], query, headers, body)
        if called is None:
            await self._cloud(scope, _again(body, receive), send)
            return
        operation, access_key = called
        set_request_account_id(iam_evaluator.find_iam_access_key_account(access_key) or access_key)
        caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", access_key)
        fault = self._switches.hit(operation.service_model.service_name, operation.name, caller)
        await self._take(fault, operation, caller, scope, _again(body, receive), send)

    async def _take(
        self, fault: Fault | None, operation: OperationModel, caller: str, scope: Any, receive: Receive, send: Send
    ) -> None:
        if fault is None:
            await self._cloud(scope, receive, send)
        elif fault.kind in ANSWERED:
            await _send(send, *answer(operation, fault.kind, caller, scope["method"]))
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._cloud(scope, receive, send)
        else:
            if fault.kind == "reply lost":
                await self._cloud(scope, receive, _nowhere)
            _hang_up(send)

    def _switch(self, method: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        try:
            if method == "POST":
                self._switches.switch([Fault(**document) for document in json.loads(body)])
        except ValueError as error:
            return 400, {"content-type": "text/plain"}, str(error).encode()
        return 200, {"content-type": "application/json"}, json.dumps(self._switches.as_document()).encode()


def faulty(cloud: Asgi, word: str) -> FaultyCloud:
    """Return the cloud with faults that whoever knows `word` switches, of calls and of events."""
    switches = Switches()
    events.apply(switches)
    return FaultyCloud(cloud, switches, word)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receive a body that was read already, and then what comes after it."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return left.pop() if left else await receive()

    return receiving


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _nowhere(message: Message) -> None:
    """Lose an answer."""


def _hang_up(send: Send) -> None:
    """Have the server close the connection without a word: to it, this answer has been sent."""
    stream = send.__self__  # type: ignore[attr-defined] # hypercorn 0.18's HTTPStream.app_send
    stream.state = ASGIHTTPState.CLOSED
