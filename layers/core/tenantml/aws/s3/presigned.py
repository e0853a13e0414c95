"""Presigned uploads: a form that accepts one file under one key, up to one size, for a quarter of an hour; or the parts
of a file that is larger than a form accepts, each of one size.

Both write the upload's id into the object's metadata, which distinguishes two files of one upload from two uploads.
What is signed with a session ends with that session, so the client's must last for `LASTING_SECONDS` more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.config import Config

from tenantml.aws.clients import CONFIG, Credentials, platform, shared_session
from tenantml.aws.error_codes import ABSENT_OBJECT, ABSENT_UPLOAD, BUSY, AwsError, absence, code_of, named
from tenantml.domain.uploads.upload import FORM_BYTES, METADATA, upload_of
from tenantml.errors import DatasetUnavailable, UploadIncomplete
from tenantml.settings import setting

EXPIRES_IN_SECONDS = 900
PART_EXPIRES_IN_SECONDS = LASTING_SECONDS = 1800
NAMED_PARTS = 10
# Signatures bind headers, and declare no checksums that a sender has to know. Addresses name the bucket's regional
# host: otherwise botocore presigns for the global one, which redirects for the first day of a bucket, refuses regions
# that opened after March 2019, and is covered by a PUT's signature.
SIGNING = CONFIG.merge(
    Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        s3={"addressing_style": "virtual"},
    )
)

Part = dict[str, Any]


def upload_form(client: Any, key: str, max_bytes: int, upload: str) -> dict[str, Any]:
    """Return the URL and the fields of a form POST that S3 accepts for exactly this key, as CSV, up to this size.

    A PUT URL cannot carry a size limit, a POST policy can (S3 API reference, "POST policy").
    """
    exact = {"Content-Type": "text/csv", f"x-amz-meta-{METADATA}": upload}
    form = client.generate_presigned_post(
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


@lru_cache(maxsize=1)
def upload_origin() -> str:
    """Return the origin that uploads are sent to, for a page's policy; nothing is asked of S3."""
    client: Any = shared_session().create_client("s3", config=SIGNING)
    url = urlsplit(client.generate_presigned_url("head_bucket", Params={"Bucket": setting("INGEST_BUCKET")}))
    return f"{url.scheme}://{url.netloc}"


def begin_parts(client: Any, key: str, upload: str) -> str:
    """Begin an upload in parts, and return its S3 id."""
    begun = client.create_multipart_upload(
        Bucket=setting("INGEST_BUCKET"), Key=key, ContentType="text/csv", Metadata={METADATA: upload}
    )
    return str(begun["UploadId"])


def abort(client: Any, key: str, multipart_id: str) -> None:
    """Abort an upload in parts."""
    client.abort_multipart_upload(Bucket=setting("INGEST_BUCKET"), Key=key, UploadId=multipart_id)


def part_url(client: Any, key: str, multipart_id: str, number: int, size_bytes: int) -> str:
    """Return the URL to PUT one part to, for half an hour; its length is signed, so S3 takes just that many bytes."""
    return str(
        client.generate_presigned_url(
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


def complete_parts(client: Any, key: str, multipart_id: str, sizes: Sequence[int]) -> str:
    """Make an object of all parts, and return its version.

    Raises:
        UploadIncomplete: some are missing, or all are gone.
    """
    where = {"Bucket": setting("INGEST_BUCKET"), "Key": key, "UploadId": multipart_id}
    try:
        listing = client.list_parts(**where, MaxParts=1000)
        parts: dict[int, Part] = {part["PartNumber"]: part for part in listing.get("Parts", [])}
        missing = [
            number for number, size in enumerate(sizes, 1) if number not in parts or parts[number]["Size"] != size
        ]
        if missing:
            first = ", ".join(map(str, missing[:NAMED_PARTS])) + ", …" * (len(missing) > NAMED_PARTS)
            raise UploadIncomplete(f"{len(missing)} of {len(sizes)} parts are missing ({first}); send them first")
        chosen = [{"PartNumber": number, "ETag": parts[number]["ETag"]} for number in range(1, len(sizes) + 1)]
        done = client.complete_multipart_upload(**where, MultipartUpload={"Parts": chosen})
    except AwsError as error:
        if code_of(error) not in ABSENT_UPLOAD:
            raise
        raise UploadIncomplete(
            "the upload's parts are gone: they were just completed, or deleted after two days; GET the upload to see, "
            "or request another one"
        ) from error
    return str(done["VersionId"])


def downloads(credentials: Credentials, region: str, bucket: str, keys: Sequence[str]) -> list[dict[str, str]]:
    """Return for each object a `url` that downloads it, signed with a session's credentials, and when it `expires`.

    A browser saves it under its name rather than showing it: a report is HTML that somebody else wrote.
    """
    theirs: Any = shared_session().create_client(
        "s3",
        region_name=region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=SIGNING,
    )
    expires = datetime.now(UTC) + timedelta(seconds=EXPIRES_IN_SECONDS)
    return [
        {
            "url": theirs.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": bucket,
                    "Key": key,
                    "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(key.rpartition('/')[2])}",
                },
                ExpiresIn=EXPIRES_IN_SECONDS,
            ),
            "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for key in keys
    ]


def upload_behind(bucket: str, key: str, version_id: str) -> str | None:
    """Return the upload that brought an object's version; None for a file that was uploaded without our form, or
    that is gone.

    Raises:
        DatasetUnavailable: S3 does not answer now.
    """
    head: dict[str, Any] = {}
    with absence(ABSENT_OBJECT), named(dict.fromkeys(BUSY, DatasetUnavailable), f"{key} could not be checked"):
        head = platform("s3").head_object(Bucket=bucket, Key=key, VersionId=version_id)
    return upload_of(head.get("Metadata", {}))
