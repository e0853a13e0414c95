"""API keys: opaque, shown once, stored as a hash.

A key is 256 random bits, so its SHA-256 needs no salt, and the look-up by hash takes no time that depends on the key.
"""

from __future__ import annotations

import hashlib
import secrets

from tenantml.aws import registry

PREFIX = "tml_"
KEY_CHARACTERS = 128


def issue(tenant: str) -> str:
    """Make a key for the tenant, store its hash and return it, for the only time."""
    key = PREFIX + secrets.token_urlsafe(32)
    registry.add_key(digest(key), tenant)
    return key


def tenant_of(key: str) -> str | None:
    """Return the tenant whose key this is, or None."""
    if not key.startswith(PREFIX) or len(key) > KEY_CHARACTERS:
        return None
    return registry.find_key(digest(key))


def digest(key: str) -> str:
    """Return the hash under which a key is stored: SHA-256, 64 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()
