"""Presigned uploads: a form that takes one file, of one key, within one size, for a quarter of an hour."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.settings import setting

EXPIRES_IN_SECONDS = 900


def upload_form(key: str, max_bytes: int) -> dict[str, Any]:
    """Return the URL and the fields of a form POST that S3 takes for exactly this key, as CSV, up to this size.

    A PUT URL cannot carry a size limit, a POST policy can (S3 API reference, "POST policy").
    """
    form = platform("s3").generate_presigned_post(
        Bucket=setting("INGEST_BUCKET"),
        Key=key,
        Fields={"Content-Type": "text/csv"},
        Conditions=[{"Content-Type": "text/csv"}, ["content-length-range", 0, min(max_bytes, 5 * 1024**3)]],
        ExpiresIn=EXPIRES_IN_SECONDS,
    )
    return {"url": form["url"], "fields": form["fields"], "key": key, "expires_in_seconds": EXPIRES_IN_SECONDS}
