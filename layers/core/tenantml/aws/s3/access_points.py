"""The policies of our own buckets."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import ABSENT_POLICY, REFUSED_POLICY, absence, named
from tenantml.errors import GrantRefused


def read(bucket: str) -> dict[str, Any] | None:
    """Return a bucket's policy, or None when it has none."""
    with absence(ABSENT_POLICY):
        policy: dict[str, Any] = json.loads(platform("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        return policy
    return None


def write(bucket: str, text: str) -> None:
    """Replace a bucket's policy.

    Raises:
        GrantRefused: S3 finds it malformed, as one that names an account which does not exist; the old one stands.
    """
    with named(dict.fromkeys(REFUSED_POLICY, GrantRefused), f"S3 refuses a new policy of {bucket}"):
        platform("s3").put_bucket_policy(Bucket=bucket, Policy=text)


def remove(bucket: str) -> None:
    """Delete a bucket's policy."""
    platform("s3").delete_bucket_policy(Bucket=bucket)
