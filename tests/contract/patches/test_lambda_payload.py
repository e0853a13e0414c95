"""What Lambda takes and answers, to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import EmbeddedCloud

LIMIT_BYTES = 6_291_456
ENVELOPE_BYTES = 100  # by which Lambda's own message has a larger number
CODE = "def handler(event, context): return 'x' * event['answer'] if isinstance(event, dict) else len(event)"


@pytest.fixture(scope="module")
def function(make_function: Callable[[str], str]) -> str:
    return make_function(CODE)


def test_a_request_ends_at_six_megabytes(cloud: EmbeddedCloud, function: str, code_of: Any) -> None:
    client = cloud.client("lambda")
    largest = json.dumps("x" * (LIMIT_BYTES - 2))
    answer = client.invoke(FunctionName=function, Payload=largest)
    assert json.loads(answer["Payload"].read()) == LIMIT_BYTES - 2
    refused = code_of(client.invoke, FunctionName=function, Payload=largest[:-1] + 'x"')
    assert refused == "RequestEntityTooLargeException"
    assert code_of.message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


def test_a_response_ends_at_six_megabytes(cloud: EmbeddedCloud, function: str) -> None:
    client = cloud.client("lambda")

    def answering(characters: int) -> tuple[str | None, Any]:
        answer = client.invoke(FunctionName=function, Payload=json.dumps({"answer": characters}))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    largest = LIMIT_BYTES + ENVELOPE_BYTES - 2  # two quotes
    kind, text = answering(largest)
    assert (kind, len(text)) == (None, largest)
    kind, error = answering(largest + 1)
    assert (kind, error["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert error["errorMessage"] == "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
