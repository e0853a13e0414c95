"""A redriven execution goes on from the state in which it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local import SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.patches.stepfunctions_executions import redrive_refusal
from tests.contract.patches.test_stepfunctions import End, Start, machine, task

# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html and API_RedriveExecution.html say what
# follows; the reasons are those of LocalStack's recorded test_sfn_api.
CODE = "def handler(event, context): return event"


def kinds(cloud: EmbeddedCloud, execution_arn: str) -> list[str]:
    states = cloud.client("stepfunctions")
    return [event["type"] for event in states.get_execution_history(executionArn=execution_arn)["events"]]


def test_a_failed_execution_is_redriven_from_its_failed_state(
    cloud: EmbeddedCloud,
    start_machine: Start,
    end_of: End,
    make_function: Callable[[str], str],
    make_role: Any,
    make_event_queue: Any,
    policy: Callable[..., str],
) -> None:
    states, role, function = cloud.client("stepfunctions"), make_role(), make_function(CODE)
    prepare = {"Type": "Pass", "Assign": {"kept": "{% $states.input.a %}"}, "Output": {"b": 2}, "Next": "Try"}
    redrives = "{% $states.context.Execution.RedriveCount %}"
    payload = {"kept": "{% $kept %}", "input": "{% $states.input %}", "redrives": redrives}
    execution_arn = start_machine(machine(Prepare=prepare, Try=task(function, payload)), {"a": 1}, role=role)
    failed = end_of(execution_arn)
    assert (failed["status"], failed["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert (failed["redriveCount"], failed["redriveStatus"]) == (0, "REDRIVABLE")
    assert "redriveDate" not in failed

    next_event = make_event_queue({"source": ["aws.states"], "detail": {"status": ["SUCCEEDED"], "redriveCount": [1]}})
    allow = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    name = role.arn.rsplit("/", 1)[-1]
    cloud.client("iam").put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=policy(allow))
    redriven_at = states.redrive_execution(executionArn=execution_arn, clientToken="once")["redriveDate"]
    ended = end_of(execution_arn)
    assert ended["status"] == "SUCCEEDED"
    assert ended["output"]["Payload"] == {"kept": 1, "input": {"b": 2}, "redrives": 1}
    assert (ended["redriveCount"], ended["redriveDate"], ended["redriveStatus"]) == (1, redriven_at, "NOT_REDRIVABLE")
    assert ended["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    assert not {"error", "cause"} & ended.keys()
    again = states.redrive_execution(executionArn=execution_arn, clientToken="once")
    assert again["redriveDate"] == redriven_at

    assert kinds(cloud, execution_arn) == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "TaskStateEntered", "TaskScheduled", "TaskFailed",
        "ExecutionFailed", "ExecutionRedriven", "TaskStateEntered", "TaskScheduled", "TaskSucceeded",
        "TaskStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    machine_arn = ended["stateMachineArn"]
    assert states.list_executions(stateMachineArn=machine_arn)["executions"][0]["redriveCount"] == 1
    detail = next_event()["detail"]
    assert (detail["executionArn"], detail["redriveStatus"]) == (execution_arn, "NOT_REDRIVABLE")


def test_a_stopped_execution_is_redriven_with_the_definition_that_it_had(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End
) -> None:
    states = cloud.client("stepfunctions")
    wait = {"Type": "Wait", "Seconds": 100, "Next": "Done"}
    execution_arn = start_machine(machine(Wait=wait, Done={"Type": "Succeed"}))
    while "WaitStateEntered" not in kinds(cloud, execution_arn):
        time.sleep(0.02)
    states.stop_execution(executionArn=execution_arn)
    machine_arn = states.describe_execution(executionArn=execution_arn)["stateMachineArn"]
    states.update_state_machine(
        stateMachineArn=machine_arn, definition=json.dumps(machine(Other={"Type": "Fail", "Error": "New"}))
    )
    states.redrive_execution(executionArn=execution_arn)
    assert states.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
    assert end_of(execution_arn)["status"] == "SUCCEEDED"
    assert kinds(cloud, execution_arn).count("WaitStateExited") == 1  # the first attempt does not go on beside it


def test_what_cannot_be_redriven_is_refused(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, code_of: Any
) -> None:
    states = cloud.client("stepfunctions")
    running = start_machine(machine(Wait={"Type": "Wait", "Seconds": 1000, "End": True}))
    succeeded = start_machine(machine(Done={"Type": "Succeed"}))
    end_of(succeeded)
    for execution_arn, status in ((running, "RUNNING"), (succeeded, "SUCCEEDED")):
        assert code_of(states.redrive_execution, executionArn=execution_arn) == "ExecutionNotRedrivable"
        assert code_of.message == f"Execution is {status} and cannot be redriven"
    nowhere = f"arn:aws:states:us-east-1:{SAAS_ACCOUNT}:execution:none:none"
    assert code_of(states.redrive_execution, executionArn=nowhere) == "ExecutionDoesNotExist"


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_an_execution_is_redrivable_for_fourteen_days_and_while_its_history_has_room(status: str) -> None:
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    execution = {"status": status, "stopDate": "2026-11-01T00:00:00.000Z", "events": []}
    assert redrive_refusal(execution, ended + timedelta(days=14)) is None
    late = redrive_refusal(execution, ended + timedelta(days=14, seconds=1))
    assert late == "Execution redrivable period exceeded"
    full = redrive_refusal(execution | {"events": [None] * 24_999}, ended)
    assert full == "Execution history event limit exceeded"
