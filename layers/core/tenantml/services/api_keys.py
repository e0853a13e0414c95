"""API keys: opaque, shown once, stored as a hash; a tenant has as many as it needs, and replaces them with an overlap.

A key is 256 random bits, so its SHA-256 needs no salt, and the look-up by hash takes no time that depends on the key.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.errors import KeyNotFound
from tenantml.services import registry

PREFIX = "tml_"
KEY_CHARACTERS = 128
ID_CHARACTERS = 12


def issue(tenant: str) -> str:
    """Make a key for the tenant, store its hash and return it, for the only time."""
    key = PREFIX + secrets.token_urlsafe(32)
    registry.add_key(digest(key), tenant)
    return key


def tenant_of(key: str) -> str | None:
    """Return the tenant whose key this is, or None if it is unknown, revoked or expired."""
    if not key.startswith(PREFIX) or len(key) > KEY_CHARACTERS:
        return None
    row = registry.find_key(digest(key))
    return row["tenant"] if row and not _has_expired(row) else None


def rotate(tenant: str, overlap_seconds: int) -> str:
    """Make a new key and let the others expire after the overlap; keys that expire earlier keep their end."""
    others = registry.list_keys(tenant)
    key = issue(tenant)
    end = (datetime.now(UTC) + timedelta(seconds=overlap_seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for key_hash, row in others.items():
        if _has_expired(row):
            registry.remove_key(key_hash, tenant)
        elif row.get("expires_at", end) >= end:
            registry.expire_key(key_hash, tenant, end)
    return key


def revoke(tenant: str, key_id: str) -> None:
    """Delete a key at once.

    API Gateway may accept it from its cache for another 30 s (`ReauthorizeEvery` in template.yaml).

    Raises:
        KeyNotFound: the tenant has no key of this id.
    """
    for key_hash in registry.list_keys(tenant):
        if id_of(key_hash) == key_id:
            registry.remove_key(key_hash, tenant)
            return
    raise KeyNotFound(f"the tenant has no key {key_id!r}; showing the tenant lists the ids of its keys")


def listed(tenant: str) -> list[dict[str, Any]]:
    """Return the tenant's valid keys, oldest first: id, time of creation, and time of expiry or None."""
    rows = [
        {"key_id": id_of(key_hash), "created_at": row["created_at"], "expires_at": row.get("expires_at")}
        for key_hash, row in registry.list_keys(tenant).items()
        if not _has_expired(row)
    ]
    return sorted(rows, key=lambda row: (row["created_at"], row["key_id"]))


def digest(key: str) -> str:
    """Return the hash under which a key is stored: SHA-256, 64 hex digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(key_hash: str) -> str:
    """Return a key's public id: the first digits of its hash, which grant nothing."""
    return key_hash[:ID_CHARACTERS]


def _has_expired(row: dict[str, Any]) -> bool:
    return bool(row.get("expires_at", "9") <= registry.now())
