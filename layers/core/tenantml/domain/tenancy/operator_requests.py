"""What operators ask: the fields of their requests, read and checked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenantml.domain.names import is_tenant
from tenantml.errors import InvalidOperation

MAX_OVERLAP_SECONDS = 30 * 24 * 3600
TEXT_BYTES = 900  # fits a key of DynamoDB (1,024 bytes) with our words around it
NOUNS = {
    str: f"text of 1 to {TEXT_BYTES} bytes",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
}


def read(request: object, optional: Mapping[str, type] | None = None, **required: type) -> dict[str, Any]:
    """Return the request when it has the required fields, no others but the optional ones, each of its type; an
    optional field that is null is left out. `tenant` is a tenant's id.

    Raises:
        InvalidOperation: names each field that is missing, unknown, empty or mistyped.
    """
    types = {**required, **(optional or {})}
    fields = {
        name: value
        for name, value in json_object(request, *types).items()
        if value is not None or name in required or name not in types
    }
    wrong = [f"{name}: missing" for name in required if name not in fields]
    wrong += [f"{shown(name)}: unknown field; there are {', '.join(types)}" for name in fields if name not in types]
    wrong += [
        f"{name}: expected {NOUNS[types[name]]}"
        for name, value in fields.items()
        if name in types and not (is_text(value) if types[name] is str else type(value) is types[name])
    ]
    if not wrong and "tenant" in fields and not is_tenant(fields["tenant"]):
        wrong.append("tenant: expected 2 to 20 of a-z, 0-9 and inner hyphens, starting with a letter")
    if wrong:
        raise InvalidOperation("; ".join(wrong))
    return fields


def json_object(request: object, *fields: str) -> dict[str, Any]:
    """Return the request when it is a JSON object.

    Raises:
        InvalidOperation: it is none; the message names the fields that it may have.
    """
    if not isinstance(request, dict):
        raise InvalidOperation(f"expected a JSON object with {', '.join(fields)}")
    return request


def is_text(value: object) -> bool:
    """Say whether a value is text that can be stored: not empty, not too long, without half a character."""
    try:
        return isinstance(value, str) and 0 < len(value.encode()) <= TEXT_BYTES
    except UnicodeEncodeError:
        return False


def shown(name: str) -> str:
    """Return the name of a field that nobody knows, fit for a message."""
    return name[:40].encode("utf-8", "replace").decode()


def overlap_seconds(seconds: int) -> int:
    """Return for how long the replaced keys stay valid: none to 30 days.

    Raises:
        InvalidOperation: it is out of range.
    """
    if not 0 <= seconds <= MAX_OVERLAP_SECONDS:
        raise InvalidOperation(f"overlap_seconds: expected 0 to {MAX_OVERLAP_SECONDS}")
    return seconds
