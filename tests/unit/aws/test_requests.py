"""Requests as they leave us: what they must hold, and what is not adopted that others made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tenantml.aws.s3 import objects
from tenantml.aws.s3.objects import MultipartWriter, StoredObject
from tenantml.aws.sagemaker import automl, endpoints, transform_jobs
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import CustomerAccessRevoked, DatasetChanged, DatasetUnavailable, NameTaken, TransformRefused
from tenantml.services import delivery
from tests.tenants import account_of
from tests.wire import Wire

ACCOUNT = account_of()
EXECUTION, JOB = "acme-churn-9f3c9f3c9f3c9f3c", "tml-abc234-9f3c9f3c9f3c9f3c-1"
INPUT, OUTPUT = "s3://bucket/churn/e/input/train.csv", "s3://bucket/churn/e/output"
JOB_ARN = ACCOUNT.sagemaker_arn("automl-job", JOB)
OURS = {"Tags": [{"Key": "tenantml:execution", "Value": EXECUTION}]}
FOREIGN = {"Tags": [{"Key": "tenantml:execution", "Value": "acme-churn-0000000000000000"}]}


def described(uri: str) -> dict[str, Any]:
    config = [{"ChannelType": "training", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}]
    return {"AutoMLJobArn": JOB_ARN, "AutoMLJobInputDataConfig": config}


def start(wire: Wire, **settings: Any) -> str:
    return automl.start(
        wire.client, ACCOUNT, JOB, EXECUTION, ModelSettings("Churn?", **settings), "ENSEMBLING", INPUT, OUTPUT
    )


def test_a_job_is_asked_for_with_all_that_limits_it() -> None:
    wire = Wire("sagemaker", CreateAutoMLJobV2={"AutoMLJobArn": JOB_ARN})
    assert start(wire, max_candidates=7, max_runtime_seconds=1800) == JOB_ARN
    (request,) = wire.of("CreateAutoMLJobV2")
    assert request == {
        "AutoMLJobName": JOB,
        "AutoMLJobInputDataConfig": [
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "CompressionType": "None",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": INPUT}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": OUTPUT},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": "Churn?",
                "Mode": "ENSEMBLING",
                "CompletionCriteria": {"MaxCandidates": 7, "MaxAutoMLJobRuntimeInSeconds": 1800},
            }
        },
        "RoleArn": ACCOUNT.roles.training_execution,
        "Tags": [*OURS["Tags"], {"Key": "tenantml:tenant", "Value": "acme"}],
    }


@pytest.mark.parametrize(
    ("tags", "uri", "is_ours"),
    [
        (OURS, INPUT, True),
        (FOREIGN, INPUT, False),
        ({"Tags": []}, INPUT, False),
        (OURS, "s3://bucket/other", False),
    ],
)
def test_a_job_that_exists_is_adopted_by_its_tag_and_its_input(tags: dict[str, Any], uri: str, is_ours: bool) -> None:
    taken = (400, "ResourceInUse")
    wire = Wire("sagemaker", CreateAutoMLJobV2=taken, DescribeAutoMLJobV2=described(uri), ListTags=tags)
    if is_ours:
        assert start(wire) == JOB_ARN
        return
    with pytest.raises(NameTaken, match=JOB):
        start(wire)


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_an_endpoint_that_exists_is_adopted_by_its_tag(operation: str) -> None:
    plan, made = (
        EndpointPlan("real-time", "ml.m5.large", 1, None, None, None, None, "it fits"),
        ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"],
    )
    for tags, raised in ((OURS, None), (FOREIGN, NameTaken), ({"Tags": []}, NameTaken)):
        wire = Wire("sagemaker", **{operation: (400, "ResourceInUse"), "ListTags": tags})
        if raised is None:
            endpoints.create(wire.client, ACCOUNT, "name", EXECUTION, [], plan)
            assert [asked for asked, _ in wire.asked if asked in made] == made
            continue
        with pytest.raises(raised, match="is not this execution's"):
            endpoints.create(wire.client, ACCOUNT, "name", EXECUTION, [], plan)


def transform(wire: Wire) -> None:
    transform_jobs.start(wire.client, ACCOUNT, JOB, EXECUTION, [], "ml.m5.large", "churn/e/")


@pytest.mark.parametrize("operation", ["CreateModel", "CreateTransformJob"])
def test_a_transform_that_exists_is_adopted_by_its_tag_and_one_that_is_rejected_says_why(operation: str) -> None:
    transform(Wire("sagemaker", **{operation: (400, "ResourceInUse"), "ListTags": OURS}))
    with pytest.raises(NameTaken, match="is not this batch's"):
        transform(Wire("sagemaker", **{operation: (400, "ResourceInUse"), "ListTags": FOREIGN}))
    with pytest.raises(TransformRefused, match=f"{operation} is refused"):
        transform(Wire("sagemaker", **{operation: (400, "ValidationException")}))


# a copy is of what was inspected, between the accounts that were meant

SOURCE = StoredObject("staging", "acme/churn/e/train.csv", "v1", "9f3c", 100)
TARGET = delivery.Target("theirs", "churn/e/input/train.csv", ACCOUNT.account_id)
SAAS = "111111111111"
PINNED = {
    "CopySource": {"Bucket": "staging", "Key": SOURCE.key, "VersionId": "v1"},
    "CopySourceIfMatch": "9f3c",
    "ExpectedSourceBucketOwner": SAAS,
}
WRITES = ("CopyObject", "CreateMultipartUpload", "UploadPartCopy", "UploadPart", "PutObject", "CompleteMultipartUpload")


def s3() -> Wire:
    return Wire(
        "s3",
        HeadObject=(404, "404"),
        CreateMultipartUpload={"UploadId": "u"},
        UploadPartCopy={"CopyPartResult": {"ETag": "e"}},
        GetObject=lambda _: {"Body": Body()},
    )


class Body:
    """The body of an answer."""

    def iter_chunks(self, _: int) -> list[bytes]:
        return [b"x" * 50]


@pytest.mark.parametrize(("limit", "copies"), [(100, 1), (99, 2)])
def test_every_request_of_a_copy_names_the_version_its_etag_and_both_owners(limit: int, copies: int) -> None:
    wire = s3()
    delivery.copy(
        wire.client, SOURCE, SAAS, TARGET, None, through=SOURCE.bucket, single_limit_bytes=limit, part_bytes=50
    )
    asked = wire.of("CopyObject", "UploadPartCopy")
    assert [PINNED.items() <= request.items() for request in asked] == [True] * copies
    assert {request["ExpectedBucketOwner"] for request in wire.of(*WRITES, "HeadObject")} == {TARGET.owner}


@pytest.mark.parametrize("part_bytes", [100, 50])
def test_what_is_uploaded_is_read_as_it_was_inspected_and_written_to_its_owner(part_bytes: int) -> None:
    reader, writer = s3(), s3()
    delivery.stream(reader.client, SOURCE, writer.client, TARGET, part_bytes=part_bytes)
    for request in reader.of("GetObject"):
        assert (request["VersionId"], request["IfMatch"]) == ("v1", "9f3c")
    assert {request["ExpectedBucketOwner"] for request in writer.of(*WRITES, "HeadObject")} == {TARGET.owner}


def test_only_the_same_version_counts_as_delivered() -> None:
    marked = {"Metadata": {"tenantml-source": "v1/9f3c"}, "ContentLength": 100}
    for head, is_delivered in (
        (marked, True),
        (marked | {"Metadata": {"tenantml-source": "v2/9f3c"}}, False),
        (marked | {"Metadata": {}}, False),
        (marked | {"ContentLength": 99}, False),
    ):
        wire = Wire("s3", HeadObject=head)
        delivery.copy(wire.client, SOURCE, SAAS, TARGET, None, through=SOURCE.bucket)
        assert bool(wire.of("CopyObject")) is not is_delivered


# nothing is left


def test_an_object_that_s3_does_not_delete_is_named() -> None:
    listed = {"Versions": [{"Key": "m/e/a", "VersionId": "1"}]}
    for code, error in (("AccessDenied", CustomerAccessRevoked), ("InternalError", DatasetUnavailable)):
        refused = {"Errors": [{"Key": "m/e/a", "VersionId": "1", "Code": code}]}
        left = [listed, {}]
        wire = Wire("s3", ListObjectVersions=lambda _, left=left: left.pop(0), DeleteObjects=refused)
        with pytest.raises(error, match="m/e/"):
            objects.remove_folder(wire.client, "theirs", "m/e/")
        assert len(wire.of("DeleteObjects")) == 1


def test_delete_markers_are_deleted_too_and_a_folder_is_listed_until_it_is_empty() -> None:
    left = [{"Versions": [{"Key": "a", "VersionId": "1"}]}, {"DeleteMarkers": [{"Key": "b", "VersionId": "2"}]}, {}]
    wire = Wire("s3", ListObjectVersions=lambda _: left.pop(0))
    assert objects.remove_folder(wire.client, "theirs", "m/e/") == ["a", "b"]
    assert [request["Delete"]["Objects"] for request in wire.of("DeleteObjects")] == [
        [{"Key": "a", "VersionId": "1"}],
        [{"Key": "b", "VersionId": "2"}],
    ]


def test_what_was_sent_of_a_file_that_is_refused_is_discarded() -> None:
    wire = Wire("s3", CreateMultipartUpload={"UploadId": "u"}, UploadPart={"ETag": "e"})

    def write() -> None:
        with MultipartWriter(wire.client, "staging", "train.csv") as writer:
            writer.write(b"x" * objects.PART_BYTES)
            raise ValueError("a row")

    with pytest.raises(ValueError, match="a row"):
        write()
    (request,) = wire.of("AbortMultipartUpload")
    assert request == {"Bucket": "staging", "Key": "train.csv", "UploadId": "u"}
    assert wire.of("CompleteMultipartUpload") == []


PAUSED = {"buffer": b"a", "upload_id": "u", "parts": [{"PartNumber": 1, "ETag": "e"}], "size": 1 + objects.PART_BYTES}


def resumed(*versions: dict[str, Any]) -> StoredObject:
    """Go on with an upload that S3 no longer has (S3 API reference, "UploadPart": NoSuchUpload says that it may have
    been aborted or completed), and that left these versions.
    """
    gone = (404, "NoSuchUpload")
    listed = {"Versions": [*versions]} if versions else {}
    wire = Wire("s3", UploadPart=gone, CompleteMultipartUpload=gone, ListObjectVersions=listed)
    with MultipartWriter(wire.client, "staging", "train.csv", PAUSED) as writer:
        writer.write(b"bc")
    return writer.require_stored()


def test_an_upload_that_an_attempt_completed_whose_answer_was_lost_is_found() -> None:
    size = PAUSED["size"] + 2
    older = {"Key": "train.csv", "VersionId": "1", "ETag": '"x"', "Size": size, "IsLatest": False}
    checkpoint = {"Key": "train.csv.checkpoint", "VersionId": "3", "ETag": '"z"', "Size": size, "IsLatest": True}
    whole = {"Key": "train.csv", "VersionId": "2", "ETag": '"y"', "Size": size, "IsLatest": True}
    assert resumed(checkpoint, older, whole) == StoredObject("staging", "train.csv", "2", "y", size)


def test_an_upload_that_was_removed_while_it_was_paused_is_not_taken_for_complete() -> None:
    other = {"Key": "train.csv", "VersionId": "2", "ETag": '"y"', "Size": 5, "IsLatest": True}
    for versions in ((), (other,)):
        with pytest.raises(DatasetChanged, match="upload the file again"):
            resumed(*versions)


def test_what_is_read_is_the_version_that_was_pinned() -> None:
    wire = s3()
    assert b"".join(objects.read(wire.client, SOURCE)) == b"x" * 50
    assert b"".join(objects.read(wire.client, replace(SOURCE, version_id=""))) == b"x" * 50
    pinned, latest = wire.of("GetObject")
    assert (pinned["VersionId"], pinned["IfMatch"]) == ("v1", "9f3c")
    assert latest == {"Bucket": "staging", "Key": SOURCE.key, "IfMatch": "9f3c"}
