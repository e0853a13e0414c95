"""Lambda: an invocation takes and answers at most 6 MB."""

from __future__ import annotations

import functools
import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local.patches.emulator import wrap

REQUEST_BYTES = 6_291_456
# What Lambda's message says; 100 bytes are for the envelope.
RESPONSE_BYTES = 6_291_556


def apply() -> None:
    """Refuse a larger request, and make an error of a larger response.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, "Invocation payload"; the words are those
    of Lambda's answers that others have published.
    """
    wrap(lambda_svc, "_invoke", "ab193779e5c2", _with_limited_request)
    wrap(lambda_svc, "_execute_function", "3ceb16d6480a", _with_limited_response)


def size_of(document: Any) -> int:
    """The bytes of a document as JSON."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def _with_limited_request(invoke: Any) -> Any:
    @functools.wraps(invoke)
    async def invoking(name: str, event: Any, headers: dict[str, str], *arguments: Any, **options: Any) -> Any:
        if int(headers.get("content-length") or 0) > REQUEST_BYTES:
            message = f"Request must be smaller than {REQUEST_BYTES} bytes for the InvokeFunction operation"
            return error_response_json("RequestEntityTooLargeException", message, 413)
        return await invoke(name, event, headers, *arguments, **options)

    return invoking


def _with_limited_response(execute: Any) -> Any:
    @functools.wraps(execute)
    def executing(function: dict[str, Any], event: Any) -> dict[str, Any]:
        outcome: dict[str, Any] = execute(function, event)
        if size_of(outcome.get("body")) <= RESPONSE_BYTES:
            return outcome
        message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
        failure = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
        return {**outcome, "body": failure, "error": True}

    return executing
