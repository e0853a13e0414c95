"""The customer's access role reads the SaaS account's upload exactly as far as the bucket policy grants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT, OTHER_CUSTOMER_ACCOUNT, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

_KEY = "acme/churn/a b+c.csv"
_PART = b"0123456789" * 600_000


@dataclass
class Upload:
    """An upload in the SaaS account, the customer's bucket, and clients of both accounts."""

    bucket: str
    version_id: str
    etag: str
    destination: str
    saas: Any
    customer: Any

    @property
    def source(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": _KEY, "VersionId": self.version_id}


@pytest.fixture
def upload(cloud: EmbeddedCloud, make_bucket: Callable[..., str], access_role: Any) -> Upload:
    saas, bucket = cloud.client("s3"), make_bucket()
    put = saas.put_object(Bucket=bucket, Key=_KEY, Body=_PART, ContentType="text/csv")
    saas.put_object(Bucket=bucket, Key=_KEY, Body=b"newer")
    customer = cloud.client("s3", CUSTOMER_ACCOUNT, credentials=access_role.credentials)
    return Upload(bucket, put["VersionId"], put["ETag"], make_bucket(CUSTOMER_ACCOUNT), saas, customer)


@pytest.fixture
def grant(access_role: Any, policy: Callable[..., str]) -> Callable[..., None]:
    """Put a bucket policy that lets the access role read one prefix."""

    def put(upload: Upload, *more: dict[str, Any], prefix: str = "acme/*", **changed: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": access_role.arn},
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": f"arn:aws:s3:::{upload.bucket}/{prefix}",
            **changed,
        }
        upload.saas.put_bucket_policy(Bucket=upload.bucket, Policy=policy(statement, *more))

    return put


def copy(upload: Upload, **options: Any) -> Any:
    return upload.customer.copy_object(Bucket=upload.destination, Key="copy.csv", CopySource=upload.source, **options)


def read_copy(upload: Upload) -> bytes:
    return bytes(upload.customer.get_object(Bucket=upload.destination, Key="copy.csv")["Body"].read())


def test_without_a_grant_nothing_is_read(upload: Upload, code_of: Any) -> None:
    assert code_of(upload.customer.get_object, Bucket=upload.bucket, Key=_KEY) == "AccessDenied"
    assert code_of(copy, upload) == "AccessDenied"


def test_a_grant_to_the_role_lets_it_read(upload: Upload, grant: Callable[..., None]) -> None:
    grant(upload)
    assert upload.customer.get_object(Bucket=upload.bucket, Key=_KEY)["Body"].read() == b"newer"
    assert (
        upload.customer.head_object(Bucket=upload.bucket, Key=_KEY, VersionId=upload.version_id)["ETag"] == upload.etag
    )


def test_a_grant_to_the_role_lets_no_other_role_of_the_account_in(
    cloud: EmbeddedCloud, upload: Upload, grant: Callable[..., None], make_role: Callable[..., Any], code_of: Any
) -> None:
    grant(upload)
    other = make_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, account=CUSTOMER_ACCOUNT)
    s3 = cloud.client("s3", CUSTOMER_ACCOUNT, credentials=other.credentials)
    assert code_of(s3.get_object, Bucket=upload.bucket, Key=_KEY) == "AccessDenied"


def test_another_account_is_refused(
    cloud: EmbeddedCloud, upload: Upload, grant: Callable[..., None], code_of: Any
) -> None:
    grant(upload)
    s3 = cloud.client("s3", OTHER_CUSTOMER_ACCOUNT)
    assert code_of(s3.get_object, Bucket=upload.bucket, Key=_KEY) == "AccessDenied"


def test_a_grant_without_the_roles_own_permission_is_not_enough(
    cloud: EmbeddedCloud, upload: Upload, grant: Callable[..., None], make_role: Callable[..., Any], code_of: Any
) -> None:
    weak = make_role({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}, account=CUSTOMER_ACCOUNT)
    grant(upload, Principal={"AWS": weak.arn})
    s3 = cloud.client("s3", CUSTOMER_ACCOUNT, credentials=weak.credentials)
    assert code_of(s3.get_object, Bucket=upload.bucket, Key=_KEY) == "AccessDenied"


def test_a_copy_takes_the_pinned_version_with_its_type(upload: Upload, grant: Callable[..., None]) -> None:
    grant(upload)
    assert copy(upload, CopySourceIfMatch=upload.etag)["CopySourceVersionId"] == upload.version_id
    assert read_copy(upload) == _PART
    assert upload.customer.head_object(Bucket=upload.destination, Key="copy.csv")["ContentType"] == "text/csv"


def test_a_copy_of_another_key_is_refused(upload: Upload, grant: Callable[..., None], code_of: Any) -> None:
    grant(upload, prefix="globex/*")
    assert code_of(copy, upload) == "AccessDenied"


def test_a_denied_role_is_refused_although_its_account_is_granted(
    upload: Upload, grant: Callable[..., None], access_role: Any, code_of: Any
) -> None:
    everything = {"Action": "s3:GetObject*", "Resource": f"arn:aws:s3:::{upload.bucket}/*"}
    deny = {"Effect": "Deny", "Principal": {"AWS": access_role.arn}, **everything}
    grant(upload, deny, Principal={"AWS": f"arn:aws:iam::{CUSTOMER_ACCOUNT}:root"})
    assert code_of(copy, upload) == "AccessDenied"


def test_a_revoked_grant_ends_it(upload: Upload, grant: Callable[..., None], code_of: Any) -> None:
    grant(upload)
    copy(upload)
    upload.saas.delete_bucket_policy(Bucket=upload.bucket)
    assert code_of(copy, upload) == "AccessDenied"


def test_a_source_that_changed_is_refused(upload: Upload, grant: Callable[..., None], code_of: Any) -> None:
    grant(upload)
    assert code_of(copy, upload, CopySourceIfMatch='"another"') == "PreconditionFailed"


def test_the_expected_owners_are_checked(upload: Upload, grant: Callable[..., None], code_of: Any) -> None:
    grant(upload)
    copy(upload, ExpectedSourceBucketOwner=SAAS_ACCOUNT, ExpectedBucketOwner=CUSTOMER_ACCOUNT)
    assert code_of(copy, upload, ExpectedSourceBucketOwner=CUSTOMER_ACCOUNT) == "AccessDenied"
    assert code_of(copy, upload, ExpectedBucketOwner=SAAS_ACCOUNT) == "AccessDenied"
    get = upload.saas.get_object
    assert code_of(get, Bucket=upload.bucket, Key=_KEY, ExpectedBucketOwner=CUSTOMER_ACCOUNT) == "AccessDenied"


def test_parts_are_copied_by_range(upload: Upload, grant: Callable[..., None]) -> None:
    grant(upload)
    s3, to = upload.customer, {"Bucket": upload.destination, "Key": "copy.csv"}
    to["UploadId"] = s3.create_multipart_upload(**to)["UploadId"]
    half = 5_500_000
    parts = []
    for number, (first, last) in enumerate([(0, half - 1), (half, len(_PART) - 1)], start=1):
        part = s3.upload_part_copy(
            **to,
            PartNumber=number,
            CopySource=upload.source,
            CopySourceIfMatch=upload.etag,
            CopySourceRange=f"bytes={first}-{last}",
        )
        assert part["CopySourceVersionId"] == upload.version_id
        parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**to, MultipartUpload={"Parts": parts})
    assert read_copy(upload) == _PART


def test_a_part_of_a_changed_or_ungranted_source_is_refused(
    upload: Upload, grant: Callable[..., None], code_of: Any
) -> None:
    s3, to = upload.customer, {"Bucket": upload.destination, "Key": "copy.csv"}
    to["UploadId"] = s3.create_multipart_upload(**to)["UploadId"]
    part = {**to, "PartNumber": 1, "CopySource": upload.source}
    assert code_of(s3.upload_part_copy, **part) == "AccessDenied"
    grant(upload)
    assert code_of(s3.upload_part_copy, **part, CopySourceIfMatch='"another"') == "PreconditionFailed"


def test_a_listing_is_granted_by_prefix(upload: Upload, grant: Callable[..., None], code_of: Any) -> None:
    of_the_bucket = {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{upload.bucket}"}
    grant(upload, **of_the_bucket, Condition={"StringLike": {"s3:prefix": "acme/*"}})
    listing = upload.customer.list_objects_v2
    assert [item["Key"] for item in listing(Bucket=upload.bucket, Prefix="acme/")["Contents"]] == [_KEY]
    assert code_of(listing, Bucket=upload.bucket, Prefix="globex/") == "AccessDenied"
    assert code_of(listing, Bucket=upload.bucket) == "AccessDenied"
