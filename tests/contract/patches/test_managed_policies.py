"""Managed policies: unknown ones cannot be attached, and AmazonSageMakerFullAccess grants what AWS says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from local import CUSTOMER_ACCOUNT
from local.cloud import EmbeddedCloud

_FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
_UNKNOWN = ("arn:aws:iam::aws:policy/AmazonSageMakerFulAccess", "arn:aws:iam::111111111111:policy/nobody")


@pytest.mark.parametrize("arn", _UNKNOWN)
def test_an_unknown_policy_is_attached_to_nothing(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], unique: Callable[[str], str], code_of: Any, arn: str
) -> None:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html (User, Group alike): NoSuchEntity
    iam, name = cloud.client("iam"), unique("entity")
    role = make_role().arn.rsplit("/", 1)[-1]
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    assert code_of(iam.attach_role_policy, RoleName=role, PolicyArn=arn) == "NoSuchEntity"
    assert code_of(iam.attach_user_policy, UserName=name, PolicyArn=arn) == "NoSuchEntity"
    assert code_of(iam.attach_group_policy, GroupName=name, PolicyArn=arn) == "NoSuchEntity"
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_a_stack_with_an_unknown_policy_fails(cloud: EmbeddedCloud, unique: Callable[[str], str]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "ManagedPolicyArns": [_UNKNOWN[0]],
    }
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}
    cloudformation, name = cloud.client("cloudformation"), unique("stack")
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"], OnFailure="DO_NOTHING"
    )
    with pytest.raises(WaiterError, match=r"CREATE_FAILED|ROLLBACK"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10}
        )
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any("does not exist or is not attachable" in reason for reason in reasons)


def test_full_access_to_sagemaker_is_what_aws_documents(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], make_bucket: Callable[..., str], unique: Callable[[str], str]
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html."""
    role = make_role(account=CUSTOMER_ACCOUNT)
    iam, name = cloud.client("iam", CUSTOMER_ACCOUNT), role.arn.rsplit("/", 1)[-1]
    iam.attach_role_policy(RoleName=name, PolicyArn=_FULL_ACCESS)
    assert iam.get_policy(PolicyArn=_FULL_ACCESS)["Policy"]["PolicyName"] == "AmazonSageMakerFullAccess"
    sagemaker, s3 = (
        cloud.client(service, CUSTOMER_ACCOUNT, credentials=role.credentials) for service in ("sagemaker", "s3")
    )
    assert sagemaker.list_endpoints()["Endpoints"] == []
    sagemakers, other = unique("sagemaker-bucket"), make_bucket(CUSTOMER_ACCOUNT)
    s3.create_bucket(Bucket=sagemakers)
    s3.put_object(Bucket=sagemakers, Key="any", Body=b"1")
    assert s3.list_objects_v2(Bucket=other)["KeyCount"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=other, Key="any", Body=b"1")
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("iam", CUSTOMER_ACCOUNT, credentials=role.credentials).get_role(RoleName=name)
