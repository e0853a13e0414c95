"""Uploads: what an object in the ingest bucket is for, told from its key and size alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tenantml.domain.names import execution_name, is_model, is_tenant
from tenantml.errors import UploadTooLarge, WrongUploadKey


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
            KeyError: a field is absent: not such an event.
        """
        detail = event["detail"]
        found = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=found["key"],
            version_id=found["version-id"],
            etag=found["etag"],
            size_bytes=int(found["size"]),
            sequencer=found["sequencer"],
            uploaded_at=event["time"],
        )

    @property
    def execution(self) -> str:
        """The name of the execution that this upload starts."""
        return execution_name(self.bucket, self.key, self.version_id)

    def as_input(self) -> dict[str, Any]:
        """Return the input of the execution."""
        return asdict(self)


@dataclass(frozen=True)
class Destination:
    """Whom an upload is from and which model it is for."""

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
            f"the file has {size_bytes:,} bytes and this model takes {limit_bytes:,} at most; upload fewer rows "
            "or raise max_upload_bytes"
        )
