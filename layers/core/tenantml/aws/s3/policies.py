"""The policies of our own buckets."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import ABSENT_POLICY, absence


def read(bucket: str) -> dict[str, Any] | None:
    """Return a bucket's policy, or None when it has none."""
    with absence(ABSENT_POLICY):
        policy: dict[str, Any] = json.loads(platform("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        return policy
    return None


def write(bucket: str, text: str) -> None:
    """Replace a bucket's policy."""
    platform("s3").put_bucket_policy(Bucket=bucket, Policy=text)


def remove(bucket: str) -> None:
    """Delete a bucket's policy."""
    platform("s3").delete_bucket_policy(Bucket=bucket)
