"""With EvidenceLock, what was written first is still there after the row was overwritten, and nobody deletes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.upkeep.copy_evidence import handler
from tenantml.aws.clients import platform
from tenantml.services import evidence
from tenantml.services.registry import keys
from tests.functions import template

RESOURCES = template()["Resources"]
BUCKET = "tenantml-evidence"
HEAD = keys.head("acme", "acme-churn-0123456789abcdef")


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The table with its stream, and the bucket as the template locks it."""
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("EVIDENCE_TABLE", "evidence")
    monkeypatch.setenv("EVIDENCE_COPY_BUCKET", BUCKET)
    table, bucket = (RESOURCES[name]["Properties"] for name in ("EvidenceTable", "EvidenceCopyBucket"))
    stream = table["StreamSpecification"]["Fn::If"][1]
    lock = json.loads(
        json.dumps(bucket["ObjectLockConfiguration"])
        .replace('{"Ref": "EvidenceLock"}', '"COMPLIANCE"')
        .replace('{"Ref": "EvidenceLockDays"}', "365")
    )
    with mock_aws():
        known = {name: table[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")}
        platform("dynamodb").create_table(
            TableName="evidence", StreamSpecification={"StreamEnabled": True, **stream}, **known
        )
        s3 = platform("s3")
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=bucket["ObjectLockEnabled"])
        s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=lock)
        yield


def written() -> dict[str, Any]:
    """What Lambda gets of the table's stream: botocore's form of its records."""
    streams = boto3.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName="evidence")["Streams"]
    shard = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"][0]["ShardId"]
    place = {"StreamArn": stream["StreamArn"], "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return {
        "Records": streams.get_records(ShardIterator=streams.get_shard_iterator(**place)["ShardIterator"])["Records"]
    }


def copies() -> list[dict[str, Any]]:
    s3 = platform("s3")
    rows = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [json.loads(s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read()) for row in rows]


def test_a_row_that_is_overwritten_is_still_there_as_it_was_written_first() -> None:
    evidence.put(HEAD, {"count": 1, "hash": "true"})
    evidence.put(HEAD, {"count": 1, "hash": "forged"})
    assert handler(written(), None) == {"copied": 2}
    assert [row["hash"] for row in copies()] == ["true", "forged"]
    assert {(row["pk"], row["sk"]) for row in copies()} == {HEAD}
    assert all(
        row["Key"].startswith(f"acme/{HEAD.sk}/") for row in platform("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    )


def test_a_batch_that_comes_twice_adds_nothing_that_is_new() -> None:
    evidence.put(HEAD, {"count": 1, "hash": "true"})
    batch = written()
    handler(batch, None)
    before = copies()
    handler(batch, None)
    assert copies() == before


def test_what_is_deleted_from_the_table_stays_in_the_copy() -> None:
    evidence.put(HEAD, {"count": 1, "hash": "true"})
    platform("dynamodb").delete_item(TableName="evidence", Key={"pk": {"S": HEAD.pk}, "sk": {"S": HEAD.sk}})
    assert handler(written(), None) == {"copied": 1}
    assert [row["hash"] for row in copies()] == ["true"]


def test_a_copy_is_not_deleted_before_its_time() -> None:
    """S3 user guide, "Locking objects with Object Lock": in compliance mode nobody deletes a version."""
    evidence.put(HEAD, {"count": 1, "hash": "true"})
    handler(written(), None)
    (version,) = platform("s3").list_object_versions(Bucket=BUCKET)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        platform("s3").delete_object(
            Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=True
        )
    assert len(copies()) == 1
