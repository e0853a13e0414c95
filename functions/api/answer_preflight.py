"""OPTIONS of each path that asks for a key: whether a page of another origin may call it, from a browser.

The API needs a key in a header and knows no cookies, so this protects nothing: it lets the origins that the stack names
do what any app with the key can do. This function has no permissions.
"""

from __future__ import annotations

from typing import Any

from tenantml import http

ALLOWED = {
    "Access-Control-Allow-Methods": "DELETE, GET, POST, PUT",
    "Access-Control-Allow-Headers": "content-type, x-api-key, idempotency-key, if-match, if-none-match",
    "Access-Control-Max-Age": "600",
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a preflight: with what is allowed to a named origin, with nothing to another."""
    named = http.for_browsers(event)
    headers = named | ALLOWED if named else {"Vary": "Origin"}
    return {"statusCode": 204, "headers": headers | {"X-Request-Id": context.aws_request_id}, "body": ""}
