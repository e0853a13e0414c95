"""Pages: a list is answered in parts, and a token says where the next one starts.

A token is opaque to its reader. It holds sort keys only, never a tenant: whose rows are listed is not for it to say.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenantml.errors import InvalidRequest

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
TOKEN_CHARACTERS = 2_000

Position = dict[str, str]


@dataclass(frozen=True)
class PageRequest:
    """At most `limit` rows, after the position of the page before, or from the start."""

    limit: int
    after: Position | None


@dataclass(frozen=True)
class Page:
    """The rows of one page, and where the next one starts: None when there is none."""

    rows: list[dict[str, Any]]
    after: Position | None

    @property
    def next_token(self) -> str | None:
        """What a reader sends for the next page."""
        return token_of(self.after) if self.after else None


def read(query: Mapping[str, str]) -> PageRequest:
    """Read `limit` and `next_token` of a query.

    Raises:
        InvalidRequest: they are not what this API hands out.
    """
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidRequest(f"limit: expected a whole number from 1 to {MAX_LIMIT}")
    return PageRequest(int(text), position_of(query["next_token"]) if "next_token" in query else None)


def token_of(position: Position) -> str:
    """Return a position as text for a URL."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def position_of(token: str) -> Position:
    """Read what `token_of` wrote.

    Raises:
        InvalidRequest: nothing wrote it.
    """
    try:
        if len(token) > TOKEN_CHARACTERS:
            raise ValueError("too long")
        found = json.loads(base64.b64decode(token.encode() + b"=" * (-len(token) % 4), b"-_", validate=True))
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise ValueError("no position")
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("next_token: not a token of this API; start without one") from error
    if token_of(found) != token:  # one spelling only
        raise InvalidRequest("next_token: not a token of this API; start without one")
    return found
