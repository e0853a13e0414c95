"""A webhook: a tenant's name for an address that is told what happens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tenantml.domain.webhooks.webhook_events import NAMES
from tenantml.errors import InvalidRequest

NAME = "[a-z]([a-z0-9-]{0,38}[a-z0-9])?"
MAX_WEBHOOKS = 10
MAX_URL = 500
OVERLAP_SECONDS = 24 * 3600
"""For how long a replaced secret signs beside the new one."""
KEPT_SECONDS = 7 * 24 * 3600
"""For how long a delivery is listed."""
SECRET_BYTES = 32
PREFIX = "whsec_"

ENABLED, DISABLED = "enabled", "disabled"
PENDING, RETRYING, DELIVERED, FAILED = DELIVERY_STATUSES = ("pending", "retrying", "delivered", "failed")

# A host is a name of DNS: two labels or more, the last one no number, so that no way to spell an IPv4 address is one.
URL = r'https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?(:443)?([/?][!-"$-\[\]-~]*)?'


@dataclass(frozen=True)
class Webhook:
    """What a tenant says of a webhook."""

    url: str
    events: tuple[str, ...]

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Webhook:
        """Read `{"url", "events"}`.

        Raises:
            InvalidRequest: it is malformed.
        """
        url, events = document.get("url"), document.get("events")
        if document.keys() != {"url", "events"}:
            raise InvalidRequest('the body must be {"url": "https://…", "events": [...]}')
        if not isinstance(url, str) or not is_url(url):
            raise InvalidRequest(
                f"url: expected https://, a host name in lower case (no address), no port but 443, no user, no "
                f"fragment, at most {MAX_URL} ASCII characters"
            )
        if not isinstance(events, list) or not events or any(event not in NAMES for event in events):
            raise InvalidRequest(f"events: expected a list of at least one of {', '.join(NAMES)}")
        return cls(url, tuple(sorted(set(events))))


def is_url(url: str) -> bool:
    """Say whether webhooks can have this address."""
    return len(url) <= MAX_URL and bool(re.fullmatch(URL, url))


def is_name(name: str) -> bool:
    """Say whether a webhook can have this name."""
    return bool(re.fullmatch(NAME, name))


def place_of(url: str) -> tuple[str, str]:
    """Return the host of a webhook's address, and what of the address is requested there."""
    parts = urlsplit(url)
    return str(parts.hostname), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
