"""A stack may hold the operators' group."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

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
