"""Delivery: the training set reaches the customer's bucket once, whatever its size and however often the state is
repeated.

CopyObject copies up to 5 GB; beyond that, UploadPartCopy copies parts of 5 MiB to 5 GiB, at most 10,000 (S3 user guide,
"Copying objects" and "Multipart upload limits"). The object's metadata names the version it was made from, so that a
repeated state adopts it. An interrupted upload in parts continues with the missing parts.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from tenantml.aws.error_codes import ABSENT_ACCESS_POINT, ABSENT_BUCKET, ABSENT_OBJECT, DENIED, Names, absence, named
from tenantml.aws.s3.objects import CUSTOMER_ERRORS, MIB, StoredObject, read, require_there, unfinished_uploads
from tenantml.errors import DeliveryDenied

COPY_OBJECT_LIMIT_BYTES = 5 * 1024**3
COPY_PART_BYTES = 512 * MIB
STREAM_PART_BYTES = 16 * MIB
PARTS_LIMIT = 10_000
COPIES_AT_ONCE = 8
SOURCE = "tenantml-source"
# An access point and its policy take effect some time after they were made: other uses of S3's settings are eventually
# consistent as well (S3 user guide, "Amazon S3 data consistency model").
ERRORS: Names = CUSTOMER_ERRORS | dict.fromkeys(DENIED | ABSENT_ACCESS_POINT, DeliveryDenied)


@dataclass(frozen=True)
class Target:
    """Where a training set goes, and whose account must own that bucket."""

    bucket: str
    key: str
    owner: str

    @property
    def where(self) -> dict[str, str]:
        """The arguments by which S3's operations name it."""
        return {"Bucket": self.bucket, "Key": self.key, "ExpectedBucketOwner": self.owner}

    @property
    def uri(self) -> str:
        """Its s3:// address."""
        return f"s3://{self.bucket}/{self.key}"


def copy(
    client: Any,
    source: StoredObject,
    source_owner: str,
    target: Target,
    ours: Any,
    *,
    through: str,
    single_limit_bytes: int = COPY_OBJECT_LIMIT_BYTES,
    part_bytes: int = COPY_PART_BYTES,
) -> None:
    """Copy one pinned version server-side with the rights of `client`, beyond the limit of one call in parallel parts.

    It is read `through` an access point's ARN, or a bucket; the first needs both buckets in one region (S3 API
    reference, "CopyObject").
    `ours` checks the source when S3 refuses the copy: S3 answers AccessDenied for a missing object to callers that may
    not list the bucket (S3 API reference, "CopyObject").

    Raises:
        DeliveryDenied: the session may not read the source or write the target, or not yet.
        DatasetChanged: the source was replaced or deleted.
        DatasetUnavailable: S3 cannot return it now.
    """
    version = {"VersionId": source.version_id} if source.version_id else {}
    pinned = {
        "CopySource": {"Bucket": through, "Key": source.key} | version,
        "CopySourceIfMatch": source.etag,
        "ExpectedSourceBucketOwner": source_owner,
    }
    try:
        with named(ERRORS, f"the dataset could not be copied to {target.uri}"):
            _copy(client, source, target, pinned, single_limit_bytes, part_bytes)
    except DeliveryDenied:
        require_there(ours, source)
        raise


def _copy(
    client: Any, source: StoredObject, target: Target, pinned: dict[str, Any], single_limit_bytes: int, part_bytes: int
) -> None:
    if _is_delivered(client, source, target):
        return
    if source.size_bytes <= single_limit_bytes:
        client.copy_object(**target.where, **pinned, MetadataDirective="REPLACE", **_described(source))
        return
    upload = _Upload.begin(client, source, target, max(part_bytes, math.ceil(source.size_bytes / PARTS_LIMIT)))

    def copy_part(number: int) -> None:
        first, end = upload.range_of(number)
        client.upload_part_copy(
            **target.where, **pinned, **upload.part(number), CopySourceRange=f"bytes={first}-{end - 1}"
        )

    with ThreadPoolExecutor(max_workers=COPIES_AT_ONCE) as pool:
        list(pool.map(copy_part, upload.missing(client)))
    upload.complete(client)


def in_place(ours: Any, source: StoredObject, alias: str) -> StoredObject:
    """Return the training set as a job reads it where it is, by an access point's alias in the place of the bucket,
    once S3 knows that access point.

    Raises:
        DeliveryDenied: S3 does not know it yet.
        DatasetChanged: the training set was replaced or deleted.
        DatasetUnavailable: S3 did not answer.
    """
    seen = replace(source, bucket=alias)
    yet: Names = dict.fromkeys(DENIED | ABSENT_ACCESS_POINT | ABSENT_BUCKET, DeliveryDenied)
    with named(yet, f"the access point of {source.key} cannot be read through yet"):
        b"".join(read(ours, seen, 0, 1))  # HEAD would not tell an absent access point from an absent object
    return seen


def stream(
    reader: Any, source: StoredObject, writer: Any, target: Target, *, part_bytes: int = STREAM_PART_BYTES
) -> None:
    """Read a pinned version with one client and write it with another, one part in memory at a time.

    Raises:
        DeliveryDenied: the writer may not write.
        DatasetChanged: the source was replaced or deleted.
        DatasetUnavailable: S3 cannot return it now.
    """
    with named(ERRORS, f"the dataset could not be uploaded to {target.uri}"):
        if _is_delivered(writer, source, target):
            return
        if source.size_bytes <= part_bytes:
            writer.put_object(**target.where, **_described(source), Body=b"".join(read(reader, source)))
            return
        upload = _Upload.begin(writer, source, target, max(part_bytes, math.ceil(source.size_bytes / PARTS_LIMIT)))
        for number in upload.missing(writer):
            first, end = upload.range_of(number)
            body = b"".join(read(reader, source, first, end))
            writer.upload_part(**target.where, **upload.part(number), Body=body)
        upload.complete(writer)


def _described(source: StoredObject) -> dict[str, Any]:
    return {"ContentType": "text/csv", "Metadata": {SOURCE: f"{source.version_id}/{source.etag}"}}


def _is_delivered(client: Any, source: StoredObject, target: Target) -> bool:
    # S3 may say 403 of what is not there to those who may list a part of the bucket only; the write decides then.
    with absence(ABSENT_OBJECT | DENIED):
        head = client.head_object(**target.where)
        marked = head["Metadata"].get(SOURCE) == _described(source)["Metadata"][SOURCE]
        return bool(marked and head["ContentLength"] == source.size_bytes)
    return False


@dataclass(frozen=True)
class _Upload:
    """One upload in parts of equal size, begun now or by an earlier attempt of the same state."""

    target: Target
    upload_id: str
    size_bytes: int
    part_bytes: int

    @classmethod
    def begin(cls, client: Any, source: StoredObject, target: Target, part_bytes: int) -> _Upload:
        begun = [
            upload for upload in unfinished_uploads(client, target.bucket, target.key) if upload["Key"] == target.key
        ]
        upload_id: str
        if begun:
            upload_id = begun[0]["UploadId"]
        else:
            upload_id = client.create_multipart_upload(**target.where, **_described(source))["UploadId"]
        return cls(target, upload_id, source.size_bytes, part_bytes)

    def range_of(self, number: int) -> tuple[int, int]:
        """Return the first byte of a part and the one after its last."""
        first = (number - 1) * self.part_bytes
        return first, min(first + self.part_bytes, self.size_bytes)

    def part(self, number: int) -> dict[str, Any]:
        return {"UploadId": self.upload_id, "PartNumber": number}

    def sent(self, client: Any) -> list[dict[str, Any]]:
        pages = client.get_paginator("list_parts").paginate(**self.target.where, UploadId=self.upload_id)
        return [part for page in pages for part in page.get("Parts", [])]

    def missing(self, client: Any) -> list[int]:
        """Return the numbers of the parts that are missing or incomplete."""
        there = {
            part["PartNumber"]
            for part in self.sent(client)
            if part["Size"] == self.range_of(part["PartNumber"])[1] - self.range_of(part["PartNumber"])[0]
        }
        return [number for number in range(1, math.ceil(self.size_bytes / self.part_bytes) + 1) if number not in there]

    def complete(self, client: Any) -> None:
        parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in self.sent(client)]
        client.complete_multipart_upload(**self.target.where, UploadId=self.upload_id, MultipartUpload={"Parts": parts})
