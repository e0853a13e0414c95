"""A stack's bucket is locked as its template says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from local.cloud import EmbeddedCloud

# localstack tests/aws/services/s3/test_s3_api.snapshot.json, TestS3ObjectLock, recorded on AWS
LOCKED = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
RETENTION = {"Mode": "COMPLIANCE", "Days": 30}


class Stack:
    """A stack of one bucket."""

    def __init__(self, cloud: EmbeddedCloud, name: str) -> None:
        self.client, self.bucket, self._name = cloud.client("cloudformation"), name, name

    def create(self, **properties: Any) -> None:
        self.client.create_stack(StackName=self._name, TemplateBody=self._template(properties))
        self.client.get_waiter("stack_create_complete").wait(StackName=self._name, WaiterConfig={"Delay": 1})

    def update(self, **properties: Any) -> None:
        self.client.update_stack(StackName=self._name, TemplateBody=self._template(properties))
        self.client.get_waiter("stack_update_complete").wait(StackName=self._name, WaiterConfig={"Delay": 1})

    def _template(self, properties: dict[str, Any]) -> str:
        bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": self.bucket, **properties}}
        return json.dumps({"Resources": {"Bucket": bucket}})


@pytest.fixture
def stack(cloud: EmbeddedCloud, unique: Callable[[str], str]) -> Stack:
    return Stack(cloud, unique("locked-bucket"))


def test_a_locked_bucket_of_a_stack_keeps_its_versions_for_as_long_as_the_template_says(
    cloud: EmbeddedCloud, stack: Stack, code_of: Any
) -> None:
    s3, name = cloud.client("s3"), {"Bucket": stack.bucket}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": RETENTION}}
    stack.create(ObjectLockEnabled=True, ObjectLockConfiguration=lock)
    assert s3.get_object_lock_configuration(**name)["ObjectLockConfiguration"] == lock
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"

    version = s3.put_object(**name, Key="receipt", Body=b"1")["VersionId"]
    assert s3.head_object(**name, Key="receipt")["ObjectLockMode"] == "COMPLIANCE"
    assert code_of(s3.delete_object, **name, Key="receipt", VersionId=version) == "AccessDenied"

    stack.update(ObjectLockEnabled=True, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    assert "Rule" not in s3.get_object_lock_configuration(**name)["ObjectLockConfiguration"]


def test_the_versioning_of_a_locked_bucket_is_not_suspended(cloud: EmbeddedCloud, stack: Stack, code_of: Any) -> None:
    s3, name = cloud.client("s3"), {"Bucket": stack.bucket}
    s3.create_bucket(**name, ObjectLockEnabledForBucket=True)
    suspend = {"VersioningConfiguration": {"Status": "Suspended"}}
    assert code_of(s3.put_bucket_versioning, **name, **suspend) == "InvalidBucketState"
    assert code_of.message == LOCKED
    s3.put_bucket_versioning(**name, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"


def test_a_stack_suspends_versioning_unless_the_bucket_is_locked(cloud: EmbeddedCloud, stack: Stack) -> None:
    s3, suspended = cloud.client("s3"), {"Status": "Suspended"}
    stack.create(VersioningConfiguration={"Status": "Enabled"})
    stack.update(VersioningConfiguration=suspended)
    assert s3.get_bucket_versioning(Bucket=stack.bucket)["Status"] == "Suspended"
    stack.update(VersioningConfiguration={"Status": "Enabled"}, ObjectLockEnabled=True)
    with pytest.raises(WaiterError):
        stack.update(VersioningConfiguration=suspended, ObjectLockEnabled=True)
    assert s3.get_bucket_versioning(Bucket=stack.bucket)["Status"] == "Enabled"


def test_a_lock_that_cannot_be_applied_fails_the_stack(stack: Stack) -> None:
    with pytest.raises(WaiterError):
        stack.create(ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})  # not versioned
