"""Delivery on an S3 of two accounts: any size, repeated, interrupted, changed under us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from tenantml.aws.s3.objects import MIB, StoredObject, remove_folder, unfinished_uploads
from tenantml.errors import DatasetChanged, DeliveryDenied
from tenantml.services import delivery

SAAS, PART = "123456789012", 5 * MIB  # S3 takes no smaller part but the last
CONTENT = b"a,b,y\n" + b"1,2,yes\n" * (12 * MIB // 8)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in ("staging", "theirs"):
            client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket="staging", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def source(s3: Any) -> StoredObject:
    answer = s3.put_object(Bucket="staging", Key="train.csv", Body=CONTENT)
    return StoredObject("staging", "train.csv", answer["VersionId"], answer["ETag"].strip('"'), len(CONTENT))


TARGET = delivery.Target("theirs", "m/e/input/train.csv", SAAS)


def deliver(s3: Any, source: StoredObject, how: str, part_bytes: int = PART, limit_bytes: int = PART) -> None:
    if how == "copy":
        delivery.copy(
            s3, source, SAAS, TARGET, s3, through="staging", single_limit_bytes=limit_bytes, part_bytes=part_bytes
        )
    else:
        delivery.stream(s3, source, s3, TARGET, part_bytes=part_bytes)


def delivered(s3: Any) -> bytes:
    body: bytes = s3.get_object(Bucket=TARGET.bucket, Key=TARGET.key)["Body"].read()
    return body


@pytest.mark.parametrize("how", ["copy", "stream"])
@pytest.mark.parametrize("part_bytes", [PART, 64 * MIB])
def test_the_bytes_arrive_whole_in_one_call_and_in_parts(
    s3: Any, source: StoredObject, how: str, part_bytes: int
) -> None:
    deliver(s3, source, how, part_bytes, limit_bytes=part_bytes)
    assert delivered(s3) == CONTENT
    assert unfinished_uploads(s3, "theirs", "") == []


@pytest.mark.parametrize("how", ["copy", "stream"])
def test_a_repeated_state_adopts_what_is_there(s3: Any, source: StoredObject, how: str) -> None:
    deliver(s3, source, how)
    first = s3.head_object(Bucket=TARGET.bucket, Key=TARGET.key)["LastModified"]
    s3.delete_object(Bucket="staging", Key="train.csv", VersionId=source.version_id)  # a second copy could not be made
    deliver(s3, source, how)
    assert s3.head_object(Bucket=TARGET.bucket, Key=TARGET.key)["LastModified"] == first
    assert delivered(s3) == CONTENT


@pytest.mark.parametrize("how", ["copy", "stream"])
def test_an_interrupted_delivery_is_continued_in_the_same_upload(s3: Any, source: StoredObject, how: str) -> None:
    begun = s3.create_multipart_upload(Bucket=TARGET.bucket, Key=TARGET.key)["UploadId"]
    s3.upload_part(Bucket=TARGET.bucket, Key=TARGET.key, UploadId=begun, PartNumber=2, Body=CONTENT[PART : 2 * PART])
    deliver(s3, source, how)
    assert delivered(s3) == CONTENT
    assert unfinished_uploads(s3, "theirs", "") == []


@pytest.mark.parametrize("how", ["copy", "stream"])
def test_a_part_that_was_cut_short_is_sent_again(s3: Any, source: StoredObject, how: str) -> None:
    begun = s3.create_multipart_upload(Bucket=TARGET.bucket, Key=TARGET.key)["UploadId"]
    s3.upload_part(Bucket=TARGET.bucket, Key=TARGET.key, UploadId=begun, PartNumber=1, Body=CONTENT[:100])
    deliver(s3, source, how)
    assert delivered(s3) == CONTENT


def test_a_source_that_is_not_the_inspected_one_is_refused_and_nothing_is_delivered(
    s3: Any, source: StoredObject
) -> None:
    s3.delete_object(Bucket="staging", Key="train.csv", VersionId=source.version_id)
    with pytest.raises(DatasetChanged):
        delivery.copy(s3, source, SAAS, TARGET, s3, through="staging")
    with pytest.raises(DatasetChanged):
        delivery.stream(s3, replace(source, etag="0" * 32), s3, TARGET)
    assert "Contents" not in s3.list_objects_v2(Bucket="theirs")


@pytest.fixture
def refused(s3: Any) -> Any:
    """A client whose copies S3 refuses, as it does for callers that may not know whether the source exists."""
    client: Any = boto3.client("s3", region_name="us-east-1")

    for operation in ("CopyObject", "UploadPartCopy"):
        client.meta.events.register_first(f"before-send.s3.{operation}", answering(403, "AccessDenied"))
    return client


def answering(status: int, code: str) -> Callable[..., AWSResponse]:
    """What answers a request with an error of S3."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        body: Any = _Body(f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())
        return AWSResponse(request.url, status, HTTPHeaders(), body)

    return answer


class _Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@pytest.mark.parametrize("limit_bytes", [PART, 64 * MIB])
@pytest.mark.parametrize("source_is", ["there", "another", "gone"])
def test_a_copy_that_is_refused_is_the_customers_refusal_only_while_the_source_is_there(
    s3: Any, source: StoredObject, refused: Any, limit_bytes: int, source_is: str
) -> None:
    wanted = replace(source, etag="0" * 32) if source_is == "another" else source
    if source_is == "gone":
        s3.delete_object(Bucket="staging", Key="train.csv", VersionId=source.version_id)
    with pytest.raises(DeliveryDenied if source_is == "there" else DatasetChanged):
        delivery.copy(
            refused, wanted, SAAS, TARGET, s3, through="staging", single_limit_bytes=limit_bytes, part_bytes=PART
        )


def test_an_access_point_that_s3_does_not_know_yet_is_a_refusal_that_it_may_take_back(
    s3: Any, source: StoredObject
) -> None:
    """Public reports tell of some seconds between the making of an access point and its use."""
    client: Any = boto3.client("s3", region_name="us-east-1")
    client.meta.events.register_first("before-send.s3.CopyObject", answering(404, "NoSuchAccessPoint"))
    with pytest.raises(DeliveryDenied, match="could not be copied"):
        delivery.copy(client, source, SAAS, TARGET, s3, through="arn:aws:s3:us-east-1:1:accesspoint/tml-0123")
    with pytest.raises(DeliveryDenied, match="cannot be read through yet"):
        delivery.in_place(s3, source, "tml-0123-s3alias")


def test_a_training_set_that_is_gone_is_not_trained_on_in_place(s3: Any, source: StoredObject) -> None:
    assert delivery.in_place(s3, source, "staging") == source
    s3.delete_object(Bucket="staging", Key="train.csv", VersionId=source.version_id)
    with pytest.raises(DatasetChanged):
        delivery.in_place(s3, source, "staging")


def test_removing_a_folder_aborts_the_uploads_that_were_never_completed(s3: Any) -> None:
    s3.create_multipart_upload(Bucket="theirs", Key="m/e/input/train.csv")
    s3.create_multipart_upload(Bucket="theirs", Key="other/train.csv")
    remove_folder(s3, "theirs", "m/e/")
    assert [found["Key"] for found in unfinished_uploads(s3, "theirs", "")] == ["other/train.csv"]
