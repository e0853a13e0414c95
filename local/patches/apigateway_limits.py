"""API Gateway: a request has at most 10 MB, less where it goes to Lambda, and is answered within 29 s."""

from __future__ import annotations

import asyncio
import functools
import os
from typing import Any

from ministack.services import apigateway_v1

from local.patches.emulator import original, wrap
from local.patches.lambda_payload import REQUEST_BYTES, size_of

PAYLOAD_BYTES = 10 * 1024 * 1024


class _RequestTooLarge(Exception):
    """The request, as Lambda's event, is more than Lambda takes."""


def apply() -> None:
    """Answer with the gateway responses REQUEST_TOO_LARGE and INTEGRATION_TIMEOUT, in the form that the API gives them.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    A response of 10 MB is out of reach: Lambda ends at 6 MB. `TENANTML_LOCAL_API_SECONDS` lowers the 29 s.
    """
    original(apigateway_v1, "_gw_error", "e4ae22a4fb6c")
    wrap(apigateway_v1, "_execute_in_scope", "2ae72b7d5eb6", _within_limits)
    wrap(apigateway_v1, "_call_lambda_raw", "a2df5d6c5b30", _as_lambda_takes_it)


def _within_limits(execute: Any) -> Any:
    @functools.wraps(execute)
    async def executing(
        request: Any, api: str, stage: str, method: str, path: str, headers: Any, body: bytes, *more: Any
    ) -> Any:
        too_long = apigateway_v1._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        request["stage"] = apigateway_v1._stages_v1.get(api, {}).get(stage)  # whose variables the refusal may show
        if request["stage"] and len(body or b"") > PAYLOAD_BYTES:
            return too_long
        try:
            return await execute(request, api, stage, method, path, headers, body, *more)
        except _RequestTooLarge:
            return too_long
        except TimeoutError:
            return apigateway_v1._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")

    return executing


def _as_lambda_takes_it(call: Any) -> Any:
    """The body is a text inside the event, where quotes and line ends take two bytes each, and base64 a third more."""

    @functools.wraps(call)
    async def calling(function: Any, event: Any, **scope: Any) -> Any:
        if size_of(event) > REQUEST_BYTES:
            raise _RequestTooLarge
        seconds = float(os.environ.get("TENANTML_LOCAL_API_SECONDS", "29"))
        return await asyncio.wait_for(call(function, event, **scope), seconds)

    return calling
