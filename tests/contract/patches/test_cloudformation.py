"""A stack may hold the operators' group."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import EmbeddedCloud


def test_a_group_of_a_stack_gives_its_members_its_policies_and_goes_with_the_stack(
    cloud: EmbeddedCloud, unique: Callable[[str], str], code_of: Any
) -> None:
    group, stack, user = unique("operators"), unique("stack"), unique("operator")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
    }
    policies = [{"PolicyName": "list", "PolicyDocument": document}]
    properties = {"GroupName": group, "Policies": policies}
    template = {"Resources": {"Operators": {"Type": "AWS::IAM::Group", "Properties": properties}}}
    cloudformation, iam = cloud.client("cloudformation"), cloud.client("iam")
    cloudformation.create_stack(
        StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

    iam.create_user(UserName=user)
    s3 = cloud.client("s3", credentials=iam.create_access_key(UserName=user)["AccessKey"])
    assert code_of(s3.list_buckets) == "AccessDenied"
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert s3.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200

    iam.remove_user_from_group(GroupName=group, UserName=user)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert code_of(iam.get_group, GroupName=group) == "NoSuchEntity"


def test_a_role_of_a_stack_keeps_within_its_boundary(
    cloud: EmbeddedCloud, unique: Callable[[str], str], policy: Callable[..., str], code_of: Any
) -> None:
    role, stack, bucket = unique("bounded"), unique("stack"), unique("bounded-bucket")
    cloud.client("s3").create_bucket(Bucket=bucket)
    account = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    listing = json.loads(policy({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}))
    properties = {
        "RoleName": role,
        "AssumeRolePolicyDocument": json.loads(policy(account)),
        "Policies": [{"PolicyName": "everything", "PolicyDocument": json.loads(policy(everything))}],
    }
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": properties | {"PermissionsBoundary": {"Ref": "Boundary"}}},
        "Boundary": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": listing}},
    }
    cloudformation = cloud.client("cloudformation")
    named = {"StackName": stack, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    cloudformation.create_stack(TemplateBody=json.dumps({"Resources": resources}), **named)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

    arn = f"arn:aws:iam::111111111111:role/{role}"
    session = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="contract")["Credentials"]
    s3 = cloud.client("s3", credentials=session)
    assert s3.list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert code_of(s3.list_objects_v2, Bucket=bucket) == "AccessDenied"

    resources["Role"]["Properties"] = properties
    cloudformation.update_stack(TemplateBody=json.dumps({"Resources": resources}), **named)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_bucket_of_a_stack_encrypts_as_the_stack_says(cloud: EmbeddedCloud, unique: Callable[[str], str]) -> None:
    bucket, stack = unique("encrypted"), unique("stack")
    key_arn = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    rules = [{"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": by_default}]
    properties = {"BucketName": bucket, "BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}
    resources = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}
    cloudformation, s3 = cloud.client("cloudformation"), cloud.client("s3")

    def found() -> Any:
        rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        return rule["ApplyServerSideEncryptionByDefault"], rule["BucketKeyEnabled"]

    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert found() == (by_default, True)
    assert s3.put_object(Bucket=bucket, Key="file", Body=b"x")["SSEKMSKeyId"] == key_arn

    del properties["BucketEncryption"]
    cloudformation.update_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert found() == ({"SSEAlgorithm": "AES256"}, False)


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::SageMaker::Model",
        "AWS::StepFunctions::StateMachineAlias",
        "AWS::StepFunctions::StateMachineVersion",
    ],
)
def test_a_type_that_is_not_there_fails_the_stack(
    cloud: EmbeddedCloud, unique: Callable[[str], str], code_of: Any, kind: str
) -> None:
    stacks, stack = cloud.client("cloudformation"), unique("stack")
    template = {"Resources": {"Absent": {"Type": kind, "Properties": {}}}}
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html, "Validation error"
    for transform in ({}, {"Transform": "AWS::Serverless-2016-10-31"}):
        body = json.dumps(transform | template)
        refused = code_of(
            stacks.create_stack, StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_AUTO_EXPAND"]
        )
        assert refused == "ValidationError"
        assert code_of.message == f"Template format error: Unrecognized resource types: [{kind}]"
