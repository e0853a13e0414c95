"""The on-boarding template where customers find it: `make deploy` publishes it under the digest of its content."""

from __future__ import annotations

import re
from typing import NamedTuple

from tenantml.aws.clients import platform
from tenantml.domain.names import dns_suffix_of
from tenantml.errors import OnboardingNotPublished
from tenantml.settings import setting

KEY = re.compile(r"customer_access-([0-9a-f]{64})\.yaml")


class PublishedTemplate(NamedTuple):
    """The address of a template, and the SHA-256 of its content."""

    url: str
    sha256: str


def newest() -> PublishedTemplate:
    """Return the template that was published last.

    Raises:
        OnboardingNotPublished: there is none.
    """
    s3, bucket = platform("s3"), setting("ONBOARDING_BUCKET")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="customer_access-")
    templates = [row for page in pages for row in page.get("Contents", []) if KEY.fullmatch(row["Key"])]
    if not templates:
        raise OnboardingNotPublished(
            f"the bucket {bucket} has no on-boarding template yet, so no customer could apply it; deploy with "
            "`make deploy`, which publishes it"
        )
    key = max(templates, key=lambda row: row["LastModified"])["Key"]
    host = f"{bucket}.s3.{s3.meta.region_name}.{dns_suffix_of(s3.meta.region_name)}"
    return PublishedTemplate(f"https://{host}/{key}", KEY.sub(r"\1", key))
