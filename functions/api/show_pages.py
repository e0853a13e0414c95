"""GET /app and GET /docs: the tenants' page and the API's documentation, with their files, for everybody.

No key is asked for: the pages are the same for all, and what they show comes from the API, with the key that the person
enters. This function has no permission that anything could be done with.
"""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.aws.s3 import presigned
from tenantml_pages import files

REPORT_FRAME = "report.html"
"""Becomes a report, which brings styles and scripts of its own: of no origin, and with nothing to talk to."""
POLICIES = {
    "app": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "connect-src 'self' {uploads}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "docs": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    REPORT_FRAME: "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Strict-Transport-Security": "max-age=31536000",
}


def policy_of(page: str, name: str) -> str:
    """Return the Content-Security-Policy of a file: its own for a page, and that nothing is loaded for another file."""
    if not name.endswith(".html"):
        return NO_PAGE
    policy = POLICIES[name if name == REPORT_FRAME else page]
    return policy.format(uploads=presigned.upload_origin()) if "{uploads}" in policy else policy


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with a page, or with one of its files."""
    request_id = context.aws_request_id
    page = str(event.get("resource") or "").split("/")[1]
    name = http.in_path(event, "file") or "index.html"
    found = files.find(page, name)
    if found is None:
        return http.problem(http.not_found(), request_id)
    policy = policy_of(page, name)
    headers = HEADERS | {
        "Content-Type": found.media_type,
        "X-Request-Id": request_id,
        "Content-Security-Policy": policy,
    }
    if found.packed and "gzip" in http.header(event, "accept-encoding"):
        packed = headers | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return {"statusCode": 200, "headers": packed, "body": found.packed, "isBase64Encoded": True}
    return {"statusCode": 200, "headers": headers, "body": found.text}
