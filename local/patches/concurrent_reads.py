"""Every service: a request that only reads is answered while other threads write."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qs

from ministack import app

from local.patches.emulator import original

Handler = Callable[..., Awaitable[Any]]

_READS: Final = ("Describe", "List", "Get", "Head", "Query", "Scan", "BatchGet", "Filter", "Simulate")
_ATTEMPTS: Final = 20
_IN_BETWEEN: Final = ("changed size during iteration", "keys changed during iteration", "mutated during iteration")


def apply() -> None:
    """Read again what another thread changed in between; as shipped this is an InternalError, which AWS never sends."""
    original(app, "_lazy_handler", "6cfcc348de12")
    app.SERVICE_HANDLERS.update({service: again(handler) for service, handler in app.SERVICE_HANDLERS.items()})


def again(handle: Handler) -> Handler:
    """Return the handler of a service whose reads are repeated."""

    @functools.wraps(handle)
    async def handling(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await handle(method, path, headers, body, query_params)
            except RuntimeError as error:
                is_of_this_kind = any(words in str(error) for words in _IN_BETWEEN)
                if not is_of_this_kind or not _reads(method, headers, body, query_params):
                    raise
        return await handle(method, path, headers, body, query_params)

    return handling


def _reads(method: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]) -> bool:
    """Whether a request changes nothing, so that it may be answered twice."""
    named = headers.get("x-amz-target") or query_params.get("Action")
    if not named and method == "POST":
        named = parse_qs(body.decode("latin-1")).get("Action", "")
    if not named:
        return method in ("GET", "HEAD")
    action = (named if isinstance(named, str) else named[0]).rsplit(".", 1)[-1]
    return action.startswith(_READS) and action != "GetActivityTask"  # which takes the task
