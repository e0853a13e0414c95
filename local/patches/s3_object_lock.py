"""S3: a stack's bucket has the Object Lock that the template gives it, and a locked bucket stays versioned."""

from __future__ import annotations

import functools
from typing import Any
from xml.etree import ElementTree as ET

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from local.patches.emulator import original, wrap


def apply() -> None:
    """Lock buckets of a stack through S3's own operations; refuse to suspend what a lock needs.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html; the words are those of
    LocalStack's recorded TestS3ObjectLock.
    """
    original(s3, "_put_object_lock_configuration", "596d4a42de3b")
    wrap(s3, "_put_bucket_versioning", "e6f9ef133087", _unless_locked)
    wrap(provisioners, "_s3_apply_configurations", "9a299ad21255", _locked)


def _unless_locked(put: Any) -> Any:
    @functools.wraps(put)
    def putting(name: str, body: bytes) -> Any:
        if s3._bucket_object_lock.get(name) and b">Suspended<" in body:
            words = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
            return s3._error("InvalidBucketState", words, 409, f"/{name}")
        return put(name, body)

    return putting


def _locked(configure: Any) -> Any:
    """As shipped, `ObjectLockEnabled`, `ObjectLockConfiguration` and a suspended versioning are dropped."""

    @functools.wraps(configure)
    def locking(name: str, properties: dict[str, Any], *old: Any) -> Any:
        configure(name, properties, *old)
        if _is_true(properties.get("ObjectLockEnabled")) and not s3._bucket_object_lock.get(name):
            s3._bucket_versioning[name] = "Enabled"
            s3._bucket_object_lock[name] = {"enabled": True, "default_retention": None}
        if properties.get("VersioningConfiguration", {}).get("Status") == "Suspended":
            _require(name, s3._put_bucket_versioning(name, _xml("VersioningConfiguration", {"Status": "Suspended"})))
        if lock := properties.get("ObjectLockConfiguration"):
            _require(name, s3._put_object_lock_configuration(name, _xml("ObjectLockConfiguration", lock)))

    return locking


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"  # a template's booleans may be text


def _xml(name: str, members: dict[str, Any]) -> bytes:
    """A document of S3's API; its members have the same names in a template."""
    root = ET.Element(name, xmlns=s3.S3_NS)
    _add(root, members)
    document: bytes = ET.tostring(root)
    return document


def _add(element: ET.Element, members: dict[str, Any]) -> None:
    for name, value in members.items():
        child = ET.SubElement(element, name)
        if isinstance(value, dict):
            _add(child, value)
        else:
            child.text = str(value)


def _require(name: str, answer: Any) -> None:
    status, _, body = answer
    if status != 200:
        raise ValueError(f"{name}: {body.decode() if isinstance(body, bytes) else body}")
