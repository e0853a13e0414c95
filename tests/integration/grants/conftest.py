"""The ledger's table, bucket and access points on moto, and the deaths of whoever writes to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from moto import mock_aws
from moto.core.models import botocore_stubber

from tenantml.aws.clients import platform
from tests.functions import template

RESOURCES = template()["Resources"]
BUCKET, SAAS = "tenantml-staging", "123456789012"
STANDING = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Auditors",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::444444444444:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/audit/*",
        }
    ],
}


class Died(BaseException):
    """The process ended: nothing of it catches this."""


@dataclass
class Boundary:
    """The calls to AWS, numbered from 1 since `reset`; the process dies before one, or the reply to one is lost.

    Once dead, no later call leaves the process, those of a `finally` included.
    """

    dies_at: int = 0
    loses_reply_of: int = 0
    calls: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    """The accounts that exist no more: S3 refuses a policy that names one."""
    is_full: bool = False
    """Whether the account has as many access points as it may have."""

    def reset(self, *, dies_at: int = 0, loses_reply_of: int = 0) -> None:
        """Let a new process begin, and set how it ends."""
        self.dies_at, self.loses_reply_of, self.calls = dies_at, loses_reply_of, []

    def before_call(
        self, event_name: str, params: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict[str, Any]] | None:
        """Refuse a policy that names an account which is closed, and an access point too many; moto takes any."""
        if event_name.endswith("PutAccessPointPolicy"):
            refuses = any(account in params["body"].decode() for account in self.closed)
            error = {"Code": "MalformedPolicy", "Message": "Invalid principal in policy"}
        else:
            refuses = self.is_full
            error = {"Code": "TooManyAccessPoints", "Message": "more access points than allowed"}
        return (AWSResponse(params["url"], 400, {}, None), {"Error": error}) if refuses else None

    def before_send(self, event_name: str, request: Any, **_: Any) -> None:
        """Count a call that is about to leave."""
        self.calls.append(event_name.rpartition(".")[2])
        number = len(self.calls)
        if self.dies_at and number >= self.dies_at:
            raise Died
        if number == self.loses_reply_of:
            botocore_stubber("before-send", request)
            raise ConnectionClosedError(endpoint_url=request.url)


@pytest.fixture
def boundary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Boundary]:
    """The ledger's table and bucket, with one standing statement and an access point that is not ours."""
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("GRANTS_TABLE", "grants")
    monkeypatch.setenv("REGISTRY_TABLE", "registry")
    monkeypatch.setenv("STAGING_BUCKET", BUCKET)
    monkeypatch.setenv("PLATFORM_ACCOUNT", SAAS)
    found = Boundary()
    with mock_aws():
        known = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        for name, resource in {"grants": "GrantsTable", "registry": "RegistryTable"}.items():
            properties = RESOURCES[resource]["Properties"].items()
            platform("dynamodb").create_table(TableName=name, **{key: one for key, one in properties if key in known})
        platform("s3").create_bucket(Bucket=BUCKET)
        platform("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(STANDING))
        platform("s3control").create_access_point(AccountId=SAAS, Name="auditors", Bucket=BUCKET)
        for service, event in (("dynamodb", "dynamodb"), ("s3control", "s3-control")):
            platform(service).meta.events.register_first(f"before-send.{event}", found.before_send)
        for operation in ("CreateAccessPoint", "PutAccessPointPolicy"):
            platform("s3control").meta.events.register_first(f"before-call.s3-control.{operation}", found.before_call)
        yield found
        for operation in ("CreateAccessPoint", "PutAccessPointPolicy"):
            platform("s3control").meta.events.unregister(f"before-call.s3-control.{operation}", found.before_call)
        for service, event in (("dynamodb", "dynamodb"), ("s3control", "s3-control")):
            platform(service).meta.events.unregister(f"before-send.{event}", found.before_send)
