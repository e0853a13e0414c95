"""The policies that AWS refuses are refused here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local import CUSTOMER_ACCOUNT, NO_ACCOUNT, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

_ROOT = {"AWS": f"arn:aws:iam::{CUSTOMER_ACCOUNT}:root"}
_NOBODY = {"AWS": f"arn:aws:iam::{CUSTOMER_ACCOUNT}:role/nobody"}
_GRANT = {"Effect": "Allow", "Principal": _ROOT, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/a"}
_MALFORMED = {
    "not JSON": "{",
    "no statement": "{}",
    "no principal": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/a"},
    "no resource": {"Effect": "Allow", "Principal": _ROOT, "Action": "s3:GetObject"},
    "unknown effect": {**_GRANT, "Effect": "Permit"},
    "another bucket": {**_GRANT, "Resource": "arn:aws:s3:::another-bucket/*"},
    "another service": {**_GRANT, "Action": "ec2:RunInstances"},
    "an object's action on the bucket": {**_GRANT, "Resource": "arn:aws:s3:::BUCKET"},
    "a bucket's action on objects": {**_GRANT, "Action": "s3:ListBucket"},
    "a principal that does not exist": {**_GRANT, "Principal": _NOBODY},
    "an account that does not exist": {**_GRANT, "Principal": {"AWS": f"arn:aws:iam::{NO_ACCOUNT}:root"}},
    "a second principal that does not exist": {**_GRANT, "Principal": {"AWS": [_ROOT["AWS"], _NOBODY["AWS"]]}},
}


def rendered(policy: Callable[..., str], bucket: str, malformed: Any) -> str:
    text = malformed if isinstance(malformed, str) else policy(malformed)
    return text.replace("BUCKET", bucket)


@pytest.mark.parametrize("malformed", _MALFORMED.values(), ids=_MALFORMED)
def test_a_malformed_bucket_policy_is_refused_and_the_old_one_stands(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], policy: Callable[..., str], code_of: Any, malformed: Any
) -> None:
    s3, bucket = cloud.client("s3"), make_bucket()
    standing = rendered(policy, bucket, _GRANT)
    s3.put_bucket_policy(Bucket=bucket, Policy=standing)
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=rendered(policy, bucket, malformed)) == "MalformedPolicy"
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(standing)


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"])
def test_a_grant_and_a_listing_in_one_policy_are_taken(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], policy: Callable[..., str], access_role: Any, action: str
) -> None:
    bucket = make_bucket()
    of_the_bucket = action.startswith("s3:List")
    resource = f"arn:aws:s3:::{bucket}" if of_the_bucket else f"arn:aws:s3:::{bucket}/acme/*"
    grant = {"Effect": "Allow", "Principal": {"AWS": access_role.arn}, "Action": action, "Resource": resource}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(grant))


def test_a_bucket_policy_of_20_kb_is_taken_and_one_more_byte_is_not(
    cloud: EmbeddedCloud, make_bucket: Callable[..., str], policy: Callable[..., str], code_of: Any
) -> None:
    s3, bucket = cloud.client("s3"), make_bucket()
    text = rendered(policy, bucket, {**_GRANT, "Sid": "S"})
    fits = text.replace('"S"', f'"S{"s" * (20 * 1024 - len(text))}"')
    s3.put_bucket_policy(Bucket=bucket, Policy=fits)
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=fits + " ") == "PolicyTooLarge"


_TRUST = {"Effect": "Allow", "Principal": _ROOT, "Action": "sts:AssumeRole"}
_MALFORMED_TRUST = {
    "not JSON": "{",
    "no statement": "{}",
    "no principal": {"Effect": "Allow", "Action": "sts:AssumeRole"},
    "a resource": {**_TRUST, "Resource": "*"},
    "a principal that does not exist": {**_TRUST, "Principal": _NOBODY},
}


@pytest.mark.parametrize("malformed", _MALFORMED_TRUST.values(), ids=_MALFORMED_TRUST)
def test_a_malformed_trust_policy_is_refused_when_created_and_when_changed(
    cloud: EmbeddedCloud, unique: Callable[[str], str], policy: Callable[..., str], code_of: Any, malformed: Any
) -> None:
    iam, name = cloud.client("iam"), unique("trust")
    text = malformed if isinstance(malformed, str) else policy(malformed)
    create, update = iam.create_role, iam.update_assume_role_policy
    assert code_of(create, RoleName=name, AssumeRolePolicyDocument=text) == "MalformedPolicyDocument"
    create(RoleName=name, AssumeRolePolicyDocument=policy(_TRUST))
    assert code_of(update, RoleName=name, PolicyDocument=text) == "MalformedPolicyDocument"


def test_cloudformation_meets_the_same_refusals(
    cloud: EmbeddedCloud, unique: Callable[[str], str], make_bucket: Callable[..., str]
) -> None:
    bucket = make_bucket()
    statement = {**_GRANT, "Principal": _NOBODY, "Resource": f"arn:aws:s3:::{bucket}/a"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"Bucket": bucket, "PolicyDocument": document}
    template = {"Resources": {"Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}}
    cloudformation, name = cloud.client("cloudformation"), unique("stack")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    with pytest.raises(Exception, match="terminal failure state"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any("Invalid principal in policy" in reason for reason in reasons)


def test_the_policy_may_name_a_role_that_exists_by_its_path(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], policy: Callable[..., str], code_of: Any, unique: Any
) -> None:
    iam, role = cloud.client("iam"), make_role(path="/tenantml/")
    iam.create_role(
        RoleName=unique("trust"), AssumeRolePolicyDocument=policy({**_TRUST, "Principal": {"AWS": role.arn}})
    )
    without_path = f"arn:aws:iam::{SAAS_ACCOUNT}:role/{role.arn.rsplit('/', 1)[-1]}"
    wrong = policy({**_TRUST, "Principal": {"AWS": without_path}})
    assert (
        code_of(iam.create_role, RoleName=unique("trust"), AssumeRolePolicyDocument=wrong) == "MalformedPolicyDocument"
    )
