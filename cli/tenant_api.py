"""The tenant's HTTP API, called with the tenant's key."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

from cli.errors import Refused

KEY_VARIABLE, URL_VARIABLE = "TENANTML_API_KEY", "TENANTML_API_URL"
_TIMEOUT_SECONDS = 60


def call(url: str, method: str, path: str, body: bytes | None = None, content_type: str = "") -> dict[str, Any]:
    """Return the API's answer to one request.

    Raises:
        Refused: with the API's error code; or no key is set.
    """
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise Refused("NoApiKey", f"set {KEY_VARIABLE} to an API key of the tenant")
    if not url.startswith(("https://", "http://")):
        raise Refused("NoApiUrl", f"{url!r} is not an http(s) address; see {URL_VARIABLE}")
    headers = {"x-api-key": key, "accept": "application/json"} | ({"content-type": content_type} if body else {})
    request = urllib.request.Request(url.rstrip("/") + path, body, headers, method=method)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            document: dict[str, Any] = json.load(answer)
            return document
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.read(), error.reason) from None


def _refusal(body: bytes, reason: str) -> Refused:
    try:
        problem = json.loads(body)
        return Refused(problem["code"], problem["detail"])
    except (ValueError, KeyError, TypeError):
        return Refused(reason, body.decode(errors="replace")[:500] or reason)
