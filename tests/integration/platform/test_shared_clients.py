"""A client that all tenants share: one's calls take nothing from another's, and S3's own answers come through."""

from __future__ import annotations

import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tenantml.aws.clients import BoundClient, Caller, unbound_client

REGION = "us-east-1"
THROTTLED = b'{"__type":"ThrottlingException","message":"Rate exceeded"}'
MOVED = b"<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>"


def answer(status: int, body: bytes = b"", **headers: str) -> AWSResponse:
    found = HTTPHeaders()
    for name, value in headers.items():
        found[name.replace("_", "-")] = value
    raw = SimpleNamespace(stream=lambda *_, **__: iter([body]), read=lambda *_, **__: body)
    return AWSResponse("https://aws.example", status, found, raw)


def bound(client: Any, key: str) -> BoundClient:
    return BoundClient(client, Caller(Credentials(key, "secret", "token")))


def key_of(request: Any) -> str:
    """The access key that a request is signed with."""
    return str(request.headers["Authorization"].decode().split("Credential=")[1].split("/")[0])


def test_who_is_throttled_uses_up_nobody_elses_retries(stack: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's standard retries have a quota for each client."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    client, sent = unbound_client("sagemaker", REGION), Counter[str]()

    def throttle(request: Any, **_: Any) -> AWSResponse:
        sent[key_of(request)] += 1
        return answer(400, THROTTLED)

    client.meta.events.register("before-send.sagemaker", throttle)
    for key in ["ASIATHROTTLED"] * 300 + ["ASIAOTHER"]:
        with pytest.raises(ClientError, match="Rate exceeded"):
            bound(client, key).list_models()
    assert sent == {"ASIATHROTTLED": 300 * 5, "ASIAOTHER": 5}


@pytest.mark.parametrize(("operation", "status", "body"), [("head_object", 400, b""), ("get_object", 301, MOVED)])
def test_when_botocore_asks_for_a_buckets_region_s3s_first_answer_stands(
    stack: None, operation: str, status: int, body: bytes
) -> None:
    client = unbound_client("s3", REGION)
    client.meta.events.register("before-send.s3", lambda **_: answer(status, body))
    with pytest.raises(ClientError) as refused:
        getattr(bound(client, "ASIAONE"), operation)(Bucket="theirs", Key="a.csv")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_whose_call_is_sent_to_another_region_signs_it_again_and_no_other(stack: None) -> None:
    client, sent = unbound_client("s3", REGION), list[tuple[str, str]]()

    def redirect(request: Any, **_: Any) -> AWSResponse:
        sent.append((key_of(request), request.url))
        return answer(301, x_amz_bucket_region="eu-west-1") if len(sent) == 1 else answer(200)

    client.meta.events.register("before-send.s3", redirect)
    for key in ("ASIAONE", "ASIATWO"):
        bound(client, key).get_object(Bucket="theirs", Key="a.csv")
    assert [key for key, _ in sent] == ["ASIAONE", "ASIAONE", "ASIATWO"]
    assert ["eu-west-1" in url for _, url in sent] == [False, True, True]
