"""What operators ask: the fields of their requests, read and checked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenantml.errors import InvalidOperation

MAX_OVERLAP_SECONDS = 30 * 24 * 3600
NOUNS = {str: "text", int: "a whole number"}


def read(request: object, optional: Mapping[str, type] | None = None, **required: type) -> dict[str, Any]:
    """Return the request when it has the required fields, no others but the optional ones, each of its type.

    Raises:
        InvalidOperation: names each field that is missing, unknown, empty or mistyped.
    """
    types = {**required, **(optional or {})}
    if not isinstance(request, dict):
        raise InvalidOperation(f"expected a JSON object with {', '.join(types)}")
    wrong = [f"{name}: missing" for name in required if name not in request]
    wrong += [f"{name}: unknown field; there are {', '.join(types)}" for name in request if name not in types]
    wrong += [
        f"{name}: expected {NOUNS[types[name]]}"
        for name, value in request.items()
        if name in types and (type(value) is not types[name] or value == "")
    ]
    if wrong:
        raise InvalidOperation("; ".join(wrong))
    return request


def overlap_seconds(seconds: int) -> int:
    """Return for how long the replaced keys stay valid: none to 30 days.

    Raises:
        InvalidOperation: it is out of range.
    """
    if not 0 <= seconds <= MAX_OVERLAP_SECONDS:
        raise InvalidOperation(f"overlap_seconds: expected 0 to {MAX_OVERLAP_SECONDS}")
    return seconds
