"""The ledger's table and bucket on moto, and the deaths of whoever writes to them."""

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
from tenantml.services import grants
from tests.functions import template

RESOURCES = template()["Resources"]
BUCKET = "tenantml-staging"
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

    def reset(self, *, dies_at: int = 0, loses_reply_of: int = 0) -> None:
        """Let a new process begin, and set how it ends."""
        self.dies_at, self.loses_reply_of, self.calls = dies_at, loses_reply_of, []

    def before_call(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        """Refuse a policy that names an account which is closed; moto takes any."""
        if not any(account in params["body"].decode() for account in self.closed):
            return None
        answer = AWSResponse(params["url"], 400, {}, None)
        return answer, {"Error": {"Code": "MalformedPolicy", "Message": "Invalid principal in policy"}}

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
    """The ledger's table and bucket, with one standing statement; nobody waits long for a lock."""
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("GRANTS_TABLE", "grants")
    monkeypatch.setenv("REGISTRY_TABLE", "registry")
    monkeypatch.setenv("STAGING_BUCKET", BUCKET)
    monkeypatch.setattr(grants, "LOCK_WAIT_SECONDS", 0)
    found = Boundary()
    with mock_aws():
        known = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        for name, resource in {"grants": "GrantsTable", "registry": "RegistryTable"}.items():
            properties = RESOURCES[resource]["Properties"].items()
            platform("dynamodb").create_table(TableName=name, **{key: one for key, one in properties if key in known})
        platform("s3").create_bucket(Bucket=BUCKET)
        platform("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(STANDING))
        for service in ("dynamodb", "s3"):
            platform(service).meta.events.register_first(f"before-send.{service}", found.before_send)
        platform("s3").meta.events.register_first("before-call.s3.PutBucketPolicy", found.before_call)
        yield found
        platform("s3").meta.events.unregister("before-call.s3.PutBucketPolicy", found.before_call)
        for service in ("dynamodb", "s3"):
            platform(service).meta.events.unregister(f"before-send.{service}", found.before_send)
