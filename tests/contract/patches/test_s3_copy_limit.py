"""How large an object CopyObject takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

LIMIT_BYTES = 10_000_000  # lowered from 5 GB


def test_a_larger_object_is_copied_in_parts_only(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], code_of: Any
) -> None:
    s3, bucket = cloud.client("s3"), make_bucket()
    s3.put_object(Bucket=bucket, Key="fits", Body=b"x" * LIMIT_BYTES)
    s3.put_object(Bucket=bucket, Key="large", Body=b"x" * (LIMIT_BYTES + 1))
    target = {"Bucket": bucket, "Key": "copy"}
    s3.copy_object(**target, CopySource={"Bucket": bucket, "Key": "fits"})
    source = {"CopySource": {"Bucket": bucket, "Key": "large"}}
    assert code_of(s3.copy_object, **target, **source) == "InvalidRequest"
    assert "larger than the maximum allowable size for a copy source" in code_of.message
    part = {"UploadId": s3.create_multipart_upload(**target)["UploadId"], "PartNumber": 1}
    s3.upload_part_copy(**target, **source, **part, CopySourceRange=f"bytes=0-{LIMIT_BYTES}")


def test_a_copy_from_another_account_ends_there_too(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], access_role: Any, policy: Callable[..., str], code_of: Any
) -> None:
    theirs, ours = make_bucket(CUSTOMER_ACCOUNT), make_bucket(SAAS_ACCOUNT)
    s3 = cloud.client("s3")
    version = s3.put_object(Bucket=ours, Key="large", Body=b"x" * (LIMIT_BYTES + 1))["VersionId"]
    grant = {"Effect": "Allow", "Principal": {"AWS": access_role.arn}, "Resource": f"arn:aws:s3:::{ours}/*"}
    s3.put_bucket_policy(Bucket=ours, Policy=policy(grant | {"Action": ["s3:GetObject", "s3:GetObjectVersion"]}))
    customer = cloud.client("s3", CUSTOMER_ACCOUNT, credentials=access_role.credentials)
    source = {"Bucket": ours, "Key": "large", "VersionId": version}
    assert code_of(customer.copy_object, Bucket=theirs, Key="copy", CopySource=source) == "InvalidRequest"
