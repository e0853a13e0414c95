"""Presigned uploads: a form that takes one file, of one key, within one size, for a quarter of an hour; or the parts
of a file that is larger than a form takes, each of one size.

Both write the upload's id into the object's metadata, by which two files of one upload are told from two uploads.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from botocore.config import Config

from tenantml.aws.clients import CONFIG, platform, shared_session
from tenantml.aws.error_codes import ABSENT_OBJECT, ABSENT_UPLOAD, BUSY, AwsError, absence, code_of, named
from tenantml.domain.uploads.upload import FORM_BYTES, METADATA, upload_of
from tenantml.errors import DatasetUnavailable, UploadIncomplete
from tenantml.settings import setting

EXPIRES_IN_SECONDS = 900
PART_EXPIRES_IN_SECONDS = 3600
NAMED_PARTS = 10

Part = dict[str, Any]


@lru_cache(maxsize=1)
def client() -> Any:
    """Return an S3 client whose signatures bind headers, and which declares no checksums that a sender has to know.

    Its addresses name the bucket's regional host. Otherwise botocore presigns for the global one, which redirects for
    the first day of a bucket, refuses regions that opened after March 2019, and is covered by a PUT's signature.
    """
    config = CONFIG.merge(
        Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            s3={"addressing_style": "virtual"},
        )
    )
    return shared_session().create_client("s3", config=config)


def upload_form(key: str, max_bytes: int, upload: str) -> dict[str, Any]:
    """Return the URL and the fields of a form POST that S3 takes for exactly this key, as CSV, up to this size.

    A PUT URL cannot carry a size limit, a POST policy can (S3 API reference, "POST policy").
    """
    exact = {"Content-Type": "text/csv", f"x-amz-meta-{METADATA}": upload}
    form = client().generate_presigned_post(
        Bucket=setting("INGEST_BUCKET"),
        Key=key,
        Fields=dict(exact),
        Conditions=[
            *({name: value} for name, value in exact.items()),
            ["content-length-range", 0, min(max_bytes, FORM_BYTES)],
        ],
        ExpiresIn=EXPIRES_IN_SECONDS,
    )
    return {"url": form["url"], "fields": form["fields"], "expires_in_seconds": EXPIRES_IN_SECONDS}


def begin_parts(key: str, upload: str) -> str:
    """Begin an upload in parts, and return S3's id of it."""
    begun = client().create_multipart_upload(
        Bucket=setting("INGEST_BUCKET"), Key=key, ContentType="text/csv", Metadata={METADATA: upload}
    )
    return str(begun["UploadId"])


def abort(key: str, multipart_id: str) -> None:
    """Forget an upload in parts."""
    client().abort_multipart_upload(Bucket=setting("INGEST_BUCKET"), Key=key, UploadId=multipart_id)


def part_url(key: str, multipart_id: str, number: int, size_bytes: int) -> str:
    """Return where one part is PUT, for an hour: S3 takes exactly so many bytes there, as the length is signed."""
    return str(
        client().generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": setting("INGEST_BUCKET"),
                "Key": key,
                "UploadId": multipart_id,
                "PartNumber": number,
                "ContentLength": size_bytes,
            },
            ExpiresIn=PART_EXPIRES_IN_SECONDS,
        )
    )


def complete_parts(key: str, multipart_id: str, sizes: Sequence[int]) -> str:
    """Make an object of all parts, and return its version.

    Raises:
        UploadIncomplete: some are not there, or none are any more.
    """
    where = {"Bucket": setting("INGEST_BUCKET"), "Key": key, "UploadId": multipart_id}
    try:
        found = client().list_parts(**where, MaxParts=1000)
        parts: dict[int, Part] = {part["PartNumber"]: part for part in found.get("Parts", [])}
        missing = [
            number for number, size in enumerate(sizes, 1) if number not in parts or parts[number]["Size"] != size
        ]
        if missing:
            first = ", ".join(map(str, missing[:NAMED_PARTS])) + ", …" * (len(missing) > NAMED_PARTS)
            raise UploadIncomplete(f"{len(missing)} of {len(sizes)} parts are not there ({first}); send them first")
        chosen = [{"PartNumber": number, "ETag": parts[number]["ETag"]} for number in range(1, len(sizes) + 1)]
        done = client().complete_multipart_upload(**where, MultipartUpload={"Parts": chosen})
    except AwsError as error:
        if code_of(error) not in ABSENT_UPLOAD:
            raise
        raise UploadIncomplete(
            "the upload's parts are no longer there: they were completed just now, or forgotten after two days; "
            "GET the upload to see, or ask for another one"
        ) from error
    return str(done["VersionId"])


def upload_behind(bucket: str, key: str, version_id: str) -> str | None:
    """Return the upload that brought an object's version; None for a file that came without a form of ours, or that
    is gone.

    Raises:
        DatasetUnavailable: S3 does not say now.
    """
    head: dict[str, Any] = {}
    with absence(ABSENT_OBJECT), named(dict.fromkeys(BUSY, DatasetUnavailable), f"{key} could not be looked at"):
        head = platform("s3").head_object(Bucket=bucket, Key=key, VersionId=version_id)
    return upload_of(head.get("Metadata", {}))
