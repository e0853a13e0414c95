"""How an execution ended, as the command line names it: with the name that the API has for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tenantml_cli.errors import Failed
from tenantml_cli.stack import Stack

MACHINE = {
    "OutputKey": "TrainingStateMachineArn",
    "OutputValue": "arn:aws:states:us-east-1:111111111111:stateMachine:training",
}


class Account:
    """A client of any service, in an account where one execution is over."""

    def __init__(self, **execution: str) -> None:
        self._execution = execution

    def describe_stacks(self, **_: Any) -> Any:
        return {"Stacks": [{"Outputs": [MACHINE]}]}

    def describe_execution(self, **_: Any) -> Any:
        return self._execution

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return self

    def search(self, _: str) -> Any:
        return []


@pytest.mark.parametrize(
    ("execution", "name", "message"),
    [
        ({"status": "ABORTED"}, "ExecutionStopped", "no reason was given"),
        ({"status": "ABORTED", "error": "Mine", "cause": "a test"}, "ExecutionStopped", "a test"),
        ({"status": "TIMED_OUT", "error": "States.Timeout"}, "ExecutionTimedOut", "no reason was given"),
        (
            {"status": "FAILED", "error": "EmptyFile", "cause": json.dumps({"errorMessage": "the file is empty"})},
            "EmptyFile",
            "the file is empty",
        ),
        ({"status": "FAILED", "error": "States.Runtime", "cause": "no"}, "InternalFailure", "States.Runtime: no"),
    ],
)
def test_an_execution_that_did_not_succeed_fails_under_the_apis_name(
    execution: dict[str, str], name: str, message: str
) -> None:
    stack = Stack("tenantml", lambda *_, **__: Account(**execution))
    with pytest.raises(Failed) as failed:
        stack.follow("training", "acme-churn-1", 1.0, lambda _: None)
    assert (failed.value.code, str(failed.value)) == (name, message)
