"""S3: streaming in, streaming out, deleting until nothing is left; `delivery` copies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import (
    ABSENT_BUCKET,
    ABSENT_OBJECT,
    ABSENT_UPLOAD,
    BUSY,
    CHANGED_OBJECT,
    IN_CUSTOMER_ACCOUNT,
    AwsError,
    Names,
    absence,
    named,
)
from tenantml.errors import CustomerAccessRevoked, DatasetChanged, DatasetUnavailable

MIB = 1024**2
PART_BYTES = 8 * MIB
CHUNK_BYTES = 1 * MIB

READ_ERRORS: Names = dict.fromkeys(ABSENT_OBJECT | CHANGED_OBJECT, DatasetChanged) | dict.fromkeys(
    BUSY, DatasetUnavailable
)
IN_CUSTOMER_BUCKET: Names = IN_CUSTOMER_ACCOUNT | dict.fromkeys(ABSENT_BUCKET, CustomerAccessRevoked)
CUSTOMER_ERRORS: Names = IN_CUSTOMER_BUCKET | READ_ERRORS


@dataclass(frozen=True)
class StoredObject:
    """One version of one object, pinned: what a later read or copy must find unchanged."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int

    @property
    def uri(self) -> str:
        """The object's s3:// address."""
        return f"s3://{self.bucket}/{self.key}"

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object, for the state machine."""
        return asdict(self)


def arn_of(bucket: str) -> str:
    """Return the ARN of one of our own buckets."""
    return f"arn:{platform('s3').meta.partition}:s3:::{bucket}"


def read(client: Any, source: StoredObject, first: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Stream one pinned version in chunks of 1 MiB, from byte `first` to before byte `end`.

    Raises:
        DatasetChanged: it was replaced or deleted.
        DatasetUnavailable: S3 did not return it.
    """
    request = {"Bucket": source.bucket, "Key": source.key, "IfMatch": source.etag}
    if source.version_id:
        request["VersionId"] = source.version_id
    if first or end is not None:
        request["Range"] = f"bytes={first}-{'' if end is None else end - 1}"
    with named(READ_ERRORS, f"{source.key} could not be read; upload it again if it was replaced or deleted"):
        body = client.get_object(**request)["Body"]
    try:
        yield from body.iter_chunks(CHUNK_BYTES)
    except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError) as error:  # boto3 does not retry these
        raise DatasetUnavailable(
            f"S3 ended its answer early while {source.key} was read; the state tries again"
        ) from error


def require_there(client: Any, source: StoredObject) -> None:
    """Return when a pinned version is unchanged; the client must be allowed to list its bucket.

    Raises:
        DatasetChanged: it was replaced or deleted.
        DatasetUnavailable: S3 did not answer.
    """
    version = {"VersionId": source.version_id} if source.version_id else {}
    gone = f"{source.key} was replaced or deleted; upload it again"
    with named(READ_ERRORS, gone):
        head = client.head_object(Bucket=source.bucket, Key=source.key, **version)
    if head["ETag"].strip('"') != source.etag:
        raise DatasetChanged(gone)


class MultipartWriter:
    """Write an object of unknown size through a bounded buffer; nothing appears in the bucket before `close`.

    As a context manager it closes on success and aborts on an error. `paused` is what `pause` returned to another
    writer of the same object: this one goes on from there, and leaves it as it was when it fails, to be gone on with
    once more.
    """

    def __init__(self, client: Any, bucket: str, key: str, paused: dict[str, Any] | None = None):
        begun = paused or {"buffer": b"", "upload_id": "", "parts": [], "size": 0}
        self._client, self._bucket, self._key = client, bucket, key
        self._buffer = bytearray(begun["buffer"])
        self._upload_id: str = begun["upload_id"]
        self._parts: list[dict[str, Any]] = list(begun["parts"])
        self._size: int = begun["size"]
        self._resumed, self._paused = paused is not None, False
        self.stored: StoredObject | None = None

    def pause(self) -> dict[str, Any]:
        """Stop here, neither finished nor aborted; returns what the writer that goes on needs, in plain values."""
        self._paused = True
        return {
            "buffer": bytes(self._buffer),
            "upload_id": self._upload_id,
            "parts": self._parts,
            "size": self._size,
        }

    def write(self, chunk: bytes) -> None:
        """Take more bytes; a part is sent whenever 8 MiB are there."""
        self._buffer += chunk
        self._size += len(chunk)
        while len(self._buffer) >= self._part_bytes():
            self._send_part(self._part_bytes())

    def _part_bytes(self) -> int:
        # parts grow, so that 10,000 of them hold more than the 100 GB that Autopilot takes
        return PART_BYTES * (1 + len(self._parts) // 1000)

    def _send_part(self, size: int) -> None:
        where = {"Bucket": self._bucket, "Key": self._key}
        if not self._upload_id:
            self._upload_id = self._client.create_multipart_upload(**where)["UploadId"]
        number = len(self._parts) + 1
        etag = ""
        with absence(self._over):
            etag = self._client.upload_part(
                **where, UploadId=self._upload_id, PartNumber=number, Body=bytes(self._buffer[:size])
            )["ETag"]
        self._parts.append({"PartNumber": number, "ETag": etag})
        del self._buffer[:size]

    def close(self) -> StoredObject:
        """Finish the object and return it, pinned.

        Raises:
            DatasetChanged: what was written so far was removed meanwhile.
        """
        where = {"Bucket": self._bucket, "Key": self._key}
        if self._upload_id:
            if self._buffer:
                self._send_part(len(self._buffer))
            answer = self._complete(where)
        else:
            answer = self._client.put_object(**where, Body=bytes(self._buffer))
        self.stored = StoredObject(
            self._bucket, self._key, answer.get("VersionId", ""), answer["ETag"].strip('"'), self._size
        )
        return self.stored

    @property
    def _over(self) -> frozenset[str]:
        """What S3 answers when an earlier attempt, whose answer was lost, completed the upload: of the same parts."""
        return ABSENT_UPLOAD if self._resumed else frozenset()

    def _complete(self, where: dict[str, str]) -> dict[str, Any]:
        with absence(self._over):
            completed: dict[str, Any] = self._client.complete_multipart_upload(
                **where, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
            )
            return completed
        versions = self._client.list_object_versions(Bucket=self._bucket, Prefix=self._key).get("Versions", [])
        for version in versions:
            if (version["Key"], version["IsLatest"], version["Size"]) == (self._key, True, self._size):
                found: dict[str, Any] = version
                return found
        raise DatasetChanged(f"{self._key} was removed while it was written, as after a stop; upload the file again")

    def require_stored(self) -> StoredObject:
        """Return the finished object, pinned.

        Raises:
            LookupError: it is not finished: a bug.
        """
        if self.stored is None:
            raise LookupError(f"s3://{self._bucket}/{self._key} is not finished")
        return self.stored

    def abort(self) -> None:
        """Discard what was sent."""
        if self._upload_id:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)

    def __enter__(self) -> MultipartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not self._resumed:
            self.abort()
        elif kind is None and not self._paused:
            self.close()


def put(client: Any, bucket: str, key: str, content: bytes) -> StoredObject:
    """Write a whole small object of our own and return it, pinned."""
    answer = client.put_object(Bucket=bucket, Key=key, Body=content)
    return StoredObject(bucket, key, answer.get("VersionId", ""), answer["ETag"].strip('"'), len(content))


def put_json(client: Any, bucket: str, key: str, text: str) -> str:
    """Write a JSON document and return its s3:// address."""
    client.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json")
    return f"s3://{bucket}/{key}"


def put_theirs(client: Any, bucket: str, key: str, text: str) -> None:
    """Write a text into the customer's bucket.

    Raises:
        CustomerAccessRevoked: the client may not write there.
        CustomerThrottled: S3 did not answer now.
    """
    with named(IN_CUSTOMER_BUCKET, f"s3://{bucket}/{key} could not be written"):
        client.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/plain; charset=utf-8")


def get_bytes(client: Any, bucket: str, key: str) -> bytes:
    """Return a whole small object."""
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def find_bytes(client: Any, bucket: str, key: str) -> bytes | None:
    """Return a whole small object, or None when it is not there.

    Raises:
        DatasetUnavailable: S3 did not answer now.
    """
    with absence(ABSENT_OBJECT), named(dict.fromkeys(BUSY, DatasetUnavailable), f"s3://{bucket}/{key} was not read"):
        return get_bytes(client, bucket, key)
    return None


def list_theirs(client: Any, bucket: str, prefix: str, most: int = 1000) -> dict[str, int]:
    """Return the sizes in bytes of the first objects under `prefix` of the customer's bucket, by their keys; `most` is
    at most 1,000.

    Raises:
        CustomerAccessRevoked: the bucket is gone, or the client may not list it.
        CustomerThrottled: S3 did not answer now.
    """
    with named(IN_CUSTOMER_BUCKET, f"s3://{bucket}/{prefix} could not be listed"):
        answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=most)
    return {row["Key"]: row["Size"] for row in answer.get("Contents", [])}


def get_theirs(client: Any, bucket: str, key: str) -> bytes | None:
    """Return a whole small object of the customer's bucket that was just listed, or None when it is gone.

    Raises:
        CustomerAccessRevoked: the client may not read it.
        CustomerThrottled: S3 did not answer now.
    """
    with absence(ABSENT_OBJECT), named(IN_CUSTOMER_BUCKET, f"s3://{bucket}/{key} could not be read"):
        return get_bytes(client, bucket, key)
    return None


def unfinished_uploads(client: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """Return the uploads in parts under `prefix` that were begun and neither completed nor aborted (`Key`,
    `UploadId`); a bucket that is gone has none.
    """
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
    with absence(ABSENT_BUCKET):
        return [upload for page in pages for upload in page.get("Uploads", [])]
    return []


def remove_ours(bucket: str, folder: str) -> list[str]:
    """Like `remove_folder`, in a bucket of our own, where a refusal is a bug and has no name."""
    return _remove_folder(platform("s3"), bucket, folder, READ_ERRORS)


def remove_folder(client: Any, bucket: str, folder: str, keep: Collection[str] = ()) -> list[str]:
    """Delete every version of every object under `folder` but those with the keys to `keep`, and return the keys; lists
    again until nothing else is left.
    Unfinished uploads in parts are aborted: their parts cost as much as objects.

    A bucket that is gone holds nothing.

    Raises:
        CustomerAccessRevoked: the client may not list or delete there.
        DatasetUnavailable: S3 did not delete what it listed.
    """
    return _remove_folder(client, bucket, folder, CUSTOMER_ERRORS, keep)


def _remove_folder(client: Any, bucket: str, folder: str, errors: Names, keep: Collection[str] = ()) -> list[str]:
    removed: set[str] = set()
    with named(errors, f"s3://{bucket}/{folder} could not be emptied"):
        for begun in unfinished_uploads(client, bucket, folder):
            client.abort_multipart_upload(Bucket=bucket, Key=begun["Key"], UploadId=begun["UploadId"])
        while page := _page_of_versions(client, bucket, folder, keep):
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
            for error in answer.get("Errors", []):  # refusals of single objects come with status 200
                raise AwsError({"Error": {"Code": error["Code"], "Message": error["Key"]}}, "DeleteObjects")
            removed |= {row["Key"] for row in page}
    return sorted(removed)


def count_left(client: Any, bucket: str, folder: str, keep: Collection[str] = ()) -> int:
    """Return how many versions of objects are under `folder` beside those with the keys to `keep`, at most 1,000.

    Raises:
        CustomerAccessRevoked: the client may not list there.
    """
    with named(CUSTOMER_ERRORS, f"s3://{bucket}/{folder} could not be listed"):
        return len(_page_of_versions(client, bucket, folder, keep))


def count_ours_left(bucket: str, folder: str) -> int:
    """Like `count_left`, in a bucket of our own, where a refusal is a bug."""
    return len(_page_of_versions(platform("s3"), bucket, folder))


def _page_of_versions(client: Any, bucket: str, folder: str, keep: Collection[str] = ()) -> list[dict[str, str]]:
    """Return up to 1,000 versions and delete markers, which is what DeleteObjects takes: of the first page that has any
    but those to keep.
    """
    with absence(ABSENT_BUCKET):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=folder):
            rows = [
                row for kind in ("Versions", "DeleteMarkers") for row in page.get(kind, []) if row["Key"] not in keep
            ]
            if rows:
                return [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
    return []
