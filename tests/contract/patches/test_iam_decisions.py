"""What a principal is allowed and refused is written down, once, as the statement that decided it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local.inventory import decisions

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud
    from tests.contract.patches.conftest import Role

READ = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::*/read/*"}


@pytest.fixture
def bucket(make_bucket: Callable[..., str], cloud: EmbeddedCloud) -> str:
    name = make_bucket()
    for key in ("read/1", "read/2", "other"):
        cloud.client("s3").put_object(Bucket=name, Key=key, Body=b"")
    return name


@pytest.fixture
def reader(make_role: Callable[..., Role]) -> Role:
    return make_role(READ)


def of(cloud: EmbeddedCloud, role: Role) -> Iterator[dict[str, Any]]:
    return (noted for noted in decisions(cloud) if noted["principal"] == f"role/{role.arn.rsplit('/', 1)[-1]}")


def test_what_allowed_is_noted_once_however_often_it_is_asked(cloud: EmbeddedCloud, reader: Role, bucket: str) -> None:
    s3 = cloud.client("s3", credentials=reader.credentials)
    for key in ("read/1", "read/2", "read/1"):
        s3.get_object(Bucket=bucket, Key=key)
    (noted,) = of(cloud, reader)
    assert (noted["allowed"], noted["sid"], noted["action"]) == (True, "Read", "s3:GetObject")
    assert noted["resource"] == "arn:aws:s3:::*/read/*"


def test_a_refusal_is_noted_with_the_session_and_the_resource(
    cloud: EmbeddedCloud, reader: Role, bucket: str, code_of: Callable[..., str]
) -> None:
    s3 = cloud.client("s3", credentials=reader.credentials)
    assert code_of(s3.get_object, Bucket=bucket, Key="other") == "AccessDenied"
    (noted,) = of(cloud, reader)
    assert (noted["allowed"], noted["session"], noted["action"]) == (False, "contract", "s3:GetObject")
    assert noted["resource"] == f"arn:aws:s3:::{bucket}/other"


def test_what_only_a_resources_own_policy_allows_is_no_permission_of_the_role(
    cloud: EmbeddedCloud, reader: Role, bucket: str, policy: Callable[..., str]
) -> None:
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": reader.arn},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(allowed))
    cloud.client("s3", credentials=reader.credentials).get_object(Bucket=bucket, Key="other")
    assert list(of(cloud, reader)) == []
