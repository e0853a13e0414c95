"""Uploads: requests that announce a file, and what an object in the ingest bucket is for."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from tenantml.domain.names import execution_name, is_model, is_tenant
from tenantml.errors import InvalidRequest, PayloadTooLarge, UploadTooLarge, WrongUploadKey

MIB = 1024**2
FORM_BYTES = 5 * 1024**3  # of one POST (S3 user guide, "Uploading objects")
MAX_KEY_BYTES = 1024  # of an object (S3 user guide, "Naming Amazon S3 objects")
PART_BYTES = 8 * MIB  # S3 accepts 5 MiB at least, except for the last
MAX_PARTS = 400  # S3 accepts 10,000
METADATA = "tenantml-upload"  # x-amz-meta-… of an object: the upload that brought it
ID_PATTERN = r"[0-9a-f]{32}"
IDEMPOTENCY_KEY = r"[A-Za-z0-9._~:/+=-]{1,128}"


@dataclass(frozen=True)
class Upload:
    """One version of one object in the ingest bucket, as S3's `Object Created` event names it."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int
    sequencer: str
    uploaded_at: str

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Upload:
        """Read EventBridge's `Object Created` event (keys are plain there, not URL-encoded).

        Raises:
            KeyError: a field is missing: it is another event.
        """
        detail = event["detail"]
        stored = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=stored["key"],
            version_id=stored["version-id"],
            etag=stored["etag"],
            size_bytes=int(stored["size"]),
            sequencer=stored["sequencer"],
            uploaded_at=event["time"],
        )

    @property
    def execution(self) -> str:
        """The name of the execution that this upload starts."""
        return execution_name(self.bucket, self.key, self.version_id)

    @property
    def order(self) -> str:
        """What sorts uploads of a model, the newest last: S3 orders events of one key by `sequencer`; over different
        keys the time of the upload decides, and the sequencer breaks ties.
        """
        return f"{self.uploaded_at} {self.sequencer.rjust(40, '0')}"

    @property
    def is_folder_marker(self) -> bool:
        """Whether it is the empty object that the S3 console makes for a folder: no upload of anybody."""
        return self.key.endswith("/") and self.size_bytes == 0

    def as_input(self) -> dict[str, Any]:
        """Return the input of the execution."""
        return asdict(self)


@dataclass(frozen=True)
class Destination:
    """The tenant that an upload comes from, and the model that it is for."""

    tenant: str
    model: str


def destination_of(key: str) -> Destination:
    """Read `{tenant}/{model}/{file}.csv`.

    Raises:
        WrongUploadKey: the key is anything else, a folder marker and `..` included.
    """
    parts = key.split("/")
    if len(parts) != 3 or not is_tenant(parts[0]) or not is_model(parts[1]):
        raise WrongUploadKey(
            f"the key {key!r} is not TENANT/MODEL/FILE.csv with your tenant id and a model's name; upload it "
            "under that key"
        )
    name = parts[2]
    if not name or name in {".", ".."} or "\\" in name or not name.isprintable():
        raise WrongUploadKey(f"the key {key!r} does not end in a file's name; upload a file TENANT/MODEL/FILE.csv")
    if not name.lower().endswith(".csv"):
        raise WrongUploadKey(
            f"the file {name!r} does not end in .csv; export the dataset as comma-separated text and upload that"
        )
    return Destination(parts[0], parts[1])


def check_size(size_bytes: int, limit_bytes: int) -> None:
    """Refuse an object by its size, before anything of it is read.

    Raises:
        UploadTooLarge: it is larger than the model's settings allow.
    """
    if size_bytes > limit_bytes:
        raise UploadTooLarge(
            f"the file has {size_bytes:,} bytes and this model accepts {limit_bytes:,} at most; upload fewer rows "
            "or raise max_upload_bytes"
        )


@dataclass(frozen=True)
class UploadRequest:
    """An announced file: its name, its size if known, and whether it comes in parts."""

    file_name: str
    size_bytes: int | None
    in_parts: bool

    @classmethod
    def from_document(cls, document: dict[str, Any], limit_bytes: int) -> UploadRequest:
        """Read the API's request; a file that is too large for a form comes in parts, as does any on request.

        Raises:
            InvalidRequest: it is malformed.
            PayloadTooLarge: the model accepts no file of this size.
        """
        known = {"file_name", "size_bytes", "multipart"}
        if not isinstance(document.get("file_name"), str) or document.keys() - known:
            raise InvalidRequest('the body must be {"file_name": "….csv"}, and optionally size_bytes and multipart')
        size_bytes, multipart = document.get("size_bytes"), document.get("multipart", False)
        if not isinstance(multipart, bool):
            raise InvalidRequest("multipart: expected true or false")
        if size_bytes is None and ("size_bytes" in document or multipart):
            raise InvalidRequest("size_bytes: expected the file's size in bytes; multipart needs it")
        if size_bytes is not None:
            if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or size_bytes < 1:
                raise InvalidRequest("size_bytes: expected the file's size in bytes")
            if size_bytes > limit_bytes:
                raise PayloadTooLarge(
                    f"size_bytes: this model accepts {limit_bytes:,} bytes at most; send fewer rows or raise "
                    "max_upload_bytes"
                )
        return cls(document["file_name"], size_bytes, multipart or (size_bytes or 0) > FORM_BYTES)


def part_bytes(size_bytes: int) -> int:
    """Return the size of every part but the last: whole MiB, and enough that no file has over 400 parts."""
    return max(PART_BYTES, -(-size_bytes // (MAX_PARTS * MIB)) * MIB)


def part_sizes(size_bytes: int, of_bytes: int) -> list[int]:
    """Return the size of each part, in order."""
    whole, rest = divmod(size_bytes, of_bytes)
    return [of_bytes] * whole + [rest] * (rest > 0)


def idempotency_key(header: str | None) -> str | None:
    """Return the key that the header Idempotency-Key names, quoted or not, or None without the header
    (draft-ietf-httpapi-idempotency-key-header-07).

    Raises:
        InvalidRequest: it is not a valid key.
    """
    if header is None:
        return None
    key = re.fullmatch(f'"({IDEMPOTENCY_KEY})"|({IDEMPOTENCY_KEY})', header)
    if key is None:
        raise InvalidRequest("Idempotency-Key: expected 1 to 128 of A-Z, a-z, 0-9 and ._~:/+=-, such as a UUID")
    return key[1] or key[2]


def fingerprint_of(*request: Any) -> str:
    """Return a digest that distinguishes a repeated request from another one with the same key."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def upload_of(metadata: dict[str, str]) -> str | None:
    """Return the upload that an object's metadata names; None for a file that was uploaded without our form."""
    upload = metadata.get(METADATA, "")
    return upload if re.fullmatch(ID_PATTERN, upload) else None
