"""Pages: a list is answered in parts, and a token says where the next one starts.

A token is opaque to its reader. It holds sort keys only, never a tenant: whose rows are listed is not for it to say.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenantml.errors import InvalidRequest

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_ENTRIES = 1_000  # of a receipt: under 1 MB, of the 6 MB that Lambda answers
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


def page_of(rows: Sequence[dict[str, Any]], page: PageRequest) -> Page:
    """Return a page of a list that is known as a whole; rows may join at its end between pages.

    Raises:
        InvalidRequest: the page's position is not one in such a list.
    """
    text = (page.after or {"offset": "0"}).get("offset", "")
    if page.after is not None and (len(page.after) > 1 or not re.fullmatch("[1-9][0-9]{0,8}", text)):
        raise InvalidRequest("next_token: not a token of this list; start without one")
    end = int(text) + page.limit
    return Page(list(rows[int(text) : end]), {"offset": str(end)} if end < len(rows) else None)


def read(query: Mapping[str, str], default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> PageRequest:
    """Read `limit` (`default` without it, `most` at most) and `next_token` of a query.

    Raises:
        InvalidRequest: they are not what this API hands out.
    """
    text = query.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= most):
        raise InvalidRequest(f"limit: expected a whole number from 1 to {most}")
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
