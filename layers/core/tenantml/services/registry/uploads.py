"""Requested uploads, and the idempotency keys of the requests.

The registry forgets them by `forget_at`: DynamoDB deletes late, so a key's expiry is also checked when it is read.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tenantml.errors import DuplicateUpload, IdempotencyKeyReused
from tenantml.services.registry import keys, table

DAY_SECONDS = 24 * 3600
KEPT_SECONDS = 2 * DAY_SECONDS  # as parts are that were never completed (ForgetUnfinishedUploads in template.yaml)
CLAIMED_SECONDS = 30 * DAY_SECONDS  # events stay in the dead-letter queue for 14 days, and may be redriven until then

Row = dict[str, Any]


def under_key(tenant: str, key: str, fingerprint: str, proposed: str) -> str:
    """Return the upload that a request with this idempotency key is about: that of the first within a day.

    Raises:
        IdempotencyKeyReused: the first request was another one.
    """
    row_key, now = keys.idempotency(tenant, hashlib.sha256(key.encode()).hexdigest()), int(time.time())
    values = {"upload": proposed, "fingerprint": fingerprint, "forget_at": now + DAY_SECONDS}
    if table.update(row_key, values, "attribute_not_exists(pk) OR forget_at <= :now", now=now):
        return proposed
    row = table.get(row_key) or values
    if row["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key came with another request; send a new key with a new request")
    return str(row["upload"])


def add(tenant: str, upload: str, document: Row) -> Row:
    """Write an upload's row unless there is one, and return the stored one."""
    values = {"upload": upload, **document, "forget_at": int(time.time()) + KEPT_SECONDS}
    return (
        values
        if table.update(keys.upload(tenant, upload), values, "attribute_not_exists(pk)")
        else find(tenant, upload)
    )


def find(tenant: str, upload: str) -> Row:
    """Return an upload's row; empty when there is none."""
    return table.get(keys.upload(tenant, upload)) or {}


def begin_parts(tenant: str, upload: str, multipart_id: str) -> bool:
    """Note S3's id of an upload in parts; return False when it has one already."""
    return table.update(
        keys.upload(tenant, upload), {"multipart_id": multipart_id}, "attribute_not_exists(multipart_id)"
    )


def note_version(tenant: str, upload: str, version_id: str) -> None:
    """Note the object's version that an upload in parts became."""
    table.update(keys.upload(tenant, upload), {"version_id": version_id}, "attribute_exists(pk)")


def claim(tenant: str, upload: str, model: str, key: str, version_id: str, execution: str) -> None:
    """Give an upload to one execution: the first that asks, however often it asks.

    Raises:
        DuplicateUpload: another execution has it.
    """
    values = {
        "upload": upload,
        "model": model,
        "key": key,
        "version_id": version_id,
        "execution": execution,
        "forget_at": int(time.time()) + CLAIMED_SECONDS,
    }
    condition = "attribute_not_exists(execution) OR execution = :execution"
    if not table.update(keys.upload(tenant, upload), values, condition, execution=execution):
        first = find(tenant, upload).get("execution", "another execution")
        raise DuplicateUpload(
            f"a file was uploaded with this form before, and {first} trains from it; to train from this file, request "
            "a new form and upload it with that"
        )
