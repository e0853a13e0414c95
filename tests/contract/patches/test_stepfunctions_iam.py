"""A task may do what the machine's role allows, on what it allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_the_role_decides(
    make_function: Callable[[str], str], start_machine: Any, end_of: Any, make_role: Callable[..., Any]
) -> None:
    function_arn, other_arn = (make_function("def handler(event, context): return 1") for _ in range(2))
    arguments = {"FunctionName": function_arn, "Payload": {}}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments, "End": True}
    definition = {"StartAt": "Task", "States": {"Task": state}}
    allow = {"Effect": "Allow", "Action": "lambda:InvokeFunction"}
    ended = end_of(start_machine(definition, role=make_role({**allow, "Resource": function_arn})))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    refused = end_of(start_machine(definition, role=make_role({**allow, "Resource": other_arn})))
    assert (refused["status"], refused["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {function_arn}" in refused["cause"]


def test_a_task_whose_permission_is_not_known_fails_and_says_so(start_machine: Any, end_of: Any) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Arguments": {}, "End": True}
    ended = end_of(start_machine({"StartAt": "Task", "States": {"Task": state}}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "does not know which permission arn:aws:states:::sns:publish needs" in ended["cause"]
