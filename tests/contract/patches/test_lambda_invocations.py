"""What a failed Lambda invocation says, and what a warm one costs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import EmbeddedCloud

_CODE = """
import os
class DatasetTooSmall(Exception): pass
count = 0
def handler(event, context):
    global count
    count += 1
    if event.get("exit"):
        os._exit(1)
    if event.get("fail"):
        raise DatasetTooSmall("only 3 rows")
    return count
"""


@pytest.fixture(scope="module")
def invoke(cloud: EmbeddedCloud, make_function: Callable[[str], str]) -> Callable[..., tuple[str | None, Any]]:
    client, arn = cloud.client("lambda"), make_function(_CODE)

    def call(**event: Any) -> tuple[str | None, Any]:
        answer = client.invoke(FunctionName=arn, Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    return call


def test_the_type_of_an_error_is_its_class(invoke: Callable[..., tuple[str | None, Any]]) -> None:
    kind, error = invoke(fail=True)
    assert kind == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("DatasetTooSmall", "only 3 rows")
    assert "DatasetTooSmall" in error["stackTrace"][-1]


def test_a_process_that_dies_has_lambdas_own_type_and_is_replaced(
    invoke: Callable[..., tuple[str | None, Any]],
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
    kind, error = invoke(exit=True)
    assert (kind, error["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert invoke() == (None, 1)


def test_a_function_that_raised_keeps_its_environment(invoke: Callable[..., tuple[str | None, Any]]) -> None:
    _, before = invoke()
    invoke(fail=True)
    assert invoke() == (None, before + 2)


def test_a_warm_invocation_does_not_wait_for_log_lines(invoke: Callable[..., tuple[str | None, Any]]) -> None:
    def seconds() -> float:
        started = time.perf_counter()
        invoke()
        return time.perf_counter() - started

    assert any(seconds() < 0.045 for _ in range(200))  # as shipped never under 0.050, however fast the machine


def test_a_machine_catches_the_error_by_its_class(
    make_function: Callable[[str], str], start_machine: Callable[..., str], end_of: Callable[[str], dict[str, Any]]
) -> None:
    states = {
        "Try": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": make_function(_CODE), "Payload": {"fail": True}},
            "Catch": [
                {"ErrorEquals": ["DatasetTooSmall"], "Assign": {"caught": "{% $states.errorOutput %}"}, "Next": "Named"}
            ],
            "End": True,
        },
        "Named": {"Type": "Pass", "Output": "{% $parse($caught.Cause).errorMessage %}", "End": True},
    }
    ended = end_of(start_machine({"StartAt": "Try", "States": states}))
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "only 3 rows")


def test_a_machine_sees_a_function_without_room_as_throttled(
    cloud: EmbeddedCloud,
    make_function: Callable[[str], str],
    start_machine: Callable[..., str],
    end_of: Callable[[str], dict[str, Any]],
) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    arn = make_function(_CODE)
    cloud.client("lambda").put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": arn}}
    ended = end_of(start_machine({"StartAt": "Try", "States": {"Try": {**task, "End": True}}}))
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.TooManyRequestsException")
