"""S3: CopyObject ends at 5 GB."""

from __future__ import annotations

import functools
import os
from typing import Any

from ministack.services import s3

from local.patches.emulator import wrap

COPY_BYTES = 5 * 1024**3


def apply() -> None:
    """Refuse to copy a larger object in one call; parts of it are copied with UploadPartCopy.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html; the words are S3's, as others have published
    them. `TENANTML_LOCAL_COPY_OBJECT_BYTES` lowers the limit.
    """
    wrap(s3, "_check_copy_source_preconditions", "a84d2941fc58", _with_limited_source)


def _with_limited_source(check: Any) -> Any:
    @functools.wraps(check)
    def checking(headers: dict[str, str], source: dict[str, Any]) -> Any:
        refusal = check(headers, source)
        limit = int(os.environ.get("TENANTML_LOCAL_COPY_OBJECT_BYTES", COPY_BYTES))
        if refusal is None and source["size"] > limit and "x-amz-copy-source-range" not in headers:
            words = f"The specified copy source is larger than the maximum allowable size for a copy source: {limit}"
            return s3._error("InvalidRequest", words, 400)
        return refusal

    return checking
