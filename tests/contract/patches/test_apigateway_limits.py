"""How large a request to an API may be, and how long it may take."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from local.cloud import EmbeddedCloud
from local.deploy import deploy

CODE = """
import json, time
def handler(event, context):
    body = event["body"]
    time.sleep(6 if body == "sleep" else 0)
    return {"statusCode": 200, "body": json.dumps(len(body))}
"""


@pytest.fixture(scope="module")
def url(cloud: EmbeddedCloud, unique: Callable[[str], str], make_function: Callable[[str], str]) -> str:
    arn = make_function(CODE)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}
    refusals = {
        kind: {"responseTemplates": {"application/json": json.dumps({"kind": kind})}}
        for kind in ("REQUEST_TOO_LARGE", "INTEGRATION_TIMEOUT")
    }
    document = {
        "openapi": "3.0.1",
        "info": {"title": unique("api"), "version": "1"},
        "paths": {"/rows": {"post": {"x-amazon-apigateway-integration": integration}}},
        "x-amazon-apigateway-gateway-responses": refusals,
    }
    resources = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": document}},
        "Stage": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "v1"},
        },
    }
    template = {"Resources": resources, "Outputs": {"Api": {"Value": {"Ref": "Api"}}}}
    api = deploy(cloud.client("cloudformation"), unique("gateway"), json.dumps(template))["Api"]
    return cloud.api_url(api, "v1") + "/rows"


def send(url: str, body: bytes) -> tuple[int, object]:
    try:
        with urllib.request.urlopen(url, body) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


@pytest.mark.parametrize(
    ("size_bytes", "character", "status"),
    [
        (6_000_000, b"x", 200),
        (6_300_000, b"x", 413),
        (3_200_000, b'"', 413),  # each takes two bytes in Lambda's event
        (10 * 1024 * 1024 + 1, b"x", 413),
    ],
)
def test_a_request_is_as_large_as_lambda_takes_it(url: str, size_bytes: int, character: bytes, status: int) -> None:
    expected: object = size_bytes if status == 200 else {"kind": "REQUEST_TOO_LARGE"}
    assert send(url, character * size_bytes) == (status, expected)


def test_an_answer_that_takes_too_long_is_a_time_out(url: str) -> None:
    assert send(url, b"sleep") == (504, {"kind": "INTEGRATION_TIMEOUT"})
