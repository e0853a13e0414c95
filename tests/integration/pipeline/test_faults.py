"""What the tests let AWS fail with is read as AWS's own, by the protocol of each service."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tenantml.aws.error_codes import AwsError, code_of
from tests.integration.pipeline.faults import BLIPS

ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "s3": ("get_object", {"Bucket": "a-bucket", "Key": "k"}),
    "sts": ("get_caller_identity", {}),
    "dynamodb": ("list_tables", {}),
    "lambda": ("invoke", {"FunctionName": "f"}),
    "sagemaker": ("list_endpoints", {}),
    "sagemaker-runtime": ("invoke_endpoint", {"EndpointName": "e", "Body": b"1"}),
}


@pytest.mark.parametrize("service", ASKED)
def test_every_protocol_finds_the_code_of_a_failure(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    client = boto3.client(service, **keys)
    client.meta.events.register("before-send", lambda request, **_: BLIPS["throttled"](request))
    operation, given = ASKED[service]
    with pytest.raises(AwsError) as failed:
        getattr(client, operation)(**given)
    assert (code_of(failed.value), failed.value.response["Error"]["Message"]) == ("ThrottlingException", "later")
