"""A batch: a file of rows to predict, and what is named from it."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import Any

from tenantml.domain.names import batch_execution, is_model, is_tenant, is_version
from tenantml.errors import (
    InvalidRequest,
    PayloadTooLarge,
    TransformFailed,
    TransformStopped,
    TransformTimedOut,
    UploadTooLarge,
)

ID_PATTERN = r"[0-9a-f]{16}"
FILE_BYTES = 2 * 1024**3
"""Of a file: each of the three functions that read it has 900 s, and reads 5 MB a second (docs/decisions/0032)."""
LONGEST_SECONDS = 24 * 3600
"""Of a batch transform; then it is stopped."""

_KEY = re.compile(rf"([^/]+)/([^/]+)/batches/({ID_PATTERN})\.csv")


def new_batch() -> str:
    """Return a name for a batch that begins now: 16 hex digits, the first 8 of them the time, so that names sort."""
    return f"{int(time.time()):08x}{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Batch:
    """One batch of one model."""

    tenant: str
    model: str
    batch: str

    @classmethod
    def of_key(cls, key: str) -> Batch | None:
        """Return the batch that an object in the ingest bucket is the file of; None for any other object."""
        parts = _KEY.fullmatch(key)
        return cls(*parts.groups()) if parts and is_tenant(parts[1]) and is_model(parts[2]) else None

    @property
    def key(self) -> str:
        """Where its file is uploaded to."""
        return f"{self.tenant}/{self.model}/batches/{self.batch}.csv"

    @property
    def execution(self) -> str:
        """The name of the one execution that its file starts, however often it is uploaded."""
        return batch_execution(self.tenant, self.model, self.batch)


def version_asked_for(document: dict[str, Any]) -> str | None:
    """Return the version that a request for a batch names, None for the live one.

    Raises:
        InvalidRequest: it is malformed.
        PayloadTooLarge: the file that it announces is larger than a batch may be.
    """
    version, size_bytes = document.get("version"), document.get("size_bytes")
    if document.keys() - {"version", "size_bytes"} or not (version is None or is_version(version)):
        raise InvalidRequest('the body must be {}, or have a "version" of the model, and the "size_bytes" of the file')
    if "size_bytes" in document and (isinstance(size_bytes, bool) or not isinstance(size_bytes, int) or size_bytes < 1):
        raise InvalidRequest("size_bytes: expected the file's size in bytes")
    if size_bytes is not None and size_bytes > FILE_BYTES:
        raise PayloadTooLarge(f"size_bytes: {_too_large(size_bytes)}")
    return version


def check_size(size_bytes: int) -> None:
    """Refuse a file by its size, before anything of it is read.

    Raises:
        UploadTooLarge: it is larger than a batch may be.
    """
    if size_bytes > FILE_BYTES:
        raise UploadTooLarge(_too_large(size_bytes))


def _too_large(size_bytes: int) -> str:
    return (
        f"the file has {size_bytes:,} bytes and a batch {FILE_BYTES:,} at most; send the rows in "
        f"{size_bytes // FILE_BYTES + 1} or more batches, each with the header"
    )


def part_key(folder: str, number: int) -> str:
    """Return where a part of the rows is for the transform; its answer is beside it, as `answer_key` says."""
    return f"{folder}input/{number:06}.csv"


def answer_key(folder: str, number: int) -> str:
    """Return where the transform writes its answer to a part (SageMaker developer guide, "Batch transform")."""
    return f"{folder}output/{number:06}.csv.out"


def result_key(folder: str) -> str:
    """Return where the joined result is."""
    return f"{folder}predictions.csv"


def is_over(status: str, reason: str, waited_seconds: int) -> bool:
    """Return whether the batch transform has completed, False while it runs.

    Raises:
        TransformFailed, TransformStopped, TransformTimedOut: it will not complete.
    """
    if status == "Completed":
        return True
    if status in ("Stopping", "Stopped", "Absent"):
        raise TransformStopped("the batch transform was stopped in your account; send the batch again")
    if status == "Failed":
        kind = reason.partition(":")[0]  # what follows may repeat what a container said of a row
        raise TransformFailed(
            f"the batch transform failed ({kind if kind.isidentifier() else 'no kind is known'}); its description says "
            "why, and its logs, under /aws/sagemaker/TransformJobs in your account"
        )
    if waited_seconds >= LONGEST_SECONDS:
        raise TransformTimedOut("the batch transform ran for a day and is stopped; send fewer rows at once")
    return False
