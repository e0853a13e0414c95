"""The edge of the HTTP functions: who asks, and how a failure is answered (RFC 9457, problem details)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from tenantml.entrypoint import Event, Handler, logger, report_bug
from tenantml.errors import CustomerAccessRevoked, InvalidRequest, NotFound, RequestError, TenantMLError, TransientError

DOCUMENTATION = "https://github.com/tenantml/tenantml/blob/main/docs/errors.md"
RETRY_AFTER_SECONDS = 5


def api(operate: Callable[[Event, str], tuple[int, dict[str, Any]]]) -> Handler:
    """Make a Lambda handler of `operate(event, tenant)`: a refusal has a code, and a bug the id of its log entry.

    The tenant is the one that the authorizer found, and nothing of the request says otherwise.
    """

    @wraps(operate)
    def handler(event: Event, context: Any) -> dict[str, Any]:
        request_id, tenant = context.aws_request_id, tenant_of(event)
        logger.append_keys(request_id=request_id, tenant=tenant)
        try:
            status, body = operate(event, tenant)
            return answer(status, body | {"request_id": request_id}, request_id)
        except TenantMLError as error:
            logger.info("request refused", extra={"code": type(error).__name__})
            return problem(error, request_id)
        except Exception:  # noqa: BLE001 - the last line of defence: logged with its trace, answered with its id
            report_bug()
            return bug(request_id)

    return handler


def tenant_of(event: dict[str, Any]) -> str:
    """Return the tenant that the authorizer found; no path, body or header is ever asked.

    Raises:
        KeyError: the function was reached without the authorizer: a bug of the template.
    """
    tenant: str = event["requestContext"]["authorizer"]["tenant"]
    return tenant


def header(event: dict[str, Any], name: str) -> str:
    """Return a header's value, whatever the case of its name; empty when absent."""
    for found, value in (event.get("headers") or {}).items():
        if found.lower() == name:
            return str(value or "")
    return ""


def body_of(event: Event) -> bytes:
    """Return the request's body as it was sent."""
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")


def answer(
    status: int,
    body: dict[str, Any],
    request_id: str,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
) -> dict[str, Any]:
    """Return an answer as API Gateway's proxy integration takes it."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind, "X-Request-Id": request_id, "Cache-Control": "no-store"} | (headers or {}),
        "body": json.dumps(body, separators=(",", ":")),
    }


def status_of(error: TenantMLError) -> int:
    """Return the HTTP status of a named failure."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, CustomerAccessRevoked):
        return 403
    if isinstance(error, TransientError):
        return 503
    return 502


def problem(error: TenantMLError, request_id: str) -> dict[str, Any]:
    """Return the answer to a request that a named failure ended."""
    code, status = type(error).__name__, status_of(error)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in {429, 503} else {}
    return answer(
        status,
        _problem(code, status, str(error), request_id) | getattr(error, "members", {}),
        request_id,
        headers,
        "application/problem+json",
    )


def bug(request_id: str) -> dict[str, Any]:
    """Return the answer to a request that a bug of ours ended: nothing but the id under which the log has the rest."""
    detail = f"something failed on our side; it is logged as {request_id}, and repeating the request is safe"
    return answer(
        500, _problem("InternalFailure", 500, detail, request_id), request_id, kind="application/problem+json"
    )


def _problem(code: str, status: int, detail: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"{DOCUMENTATION}#{code.lower()}",
        "title": code,
        "code": code,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }


def parse_json_object(text: str | None) -> dict[str, Any]:
    """Read a body that must be a JSON object.

    Raises:
        InvalidRequest: it is not.
    """
    try:
        document = json.loads(text or "")
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest("the body must be a JSON object")
    return document


def not_found() -> NotFound:
    """Return the one answer for what does not exist and for what is another tenant's."""
    return NotFound("there is no such thing here; GET /models and GET /executions list what is yours")
