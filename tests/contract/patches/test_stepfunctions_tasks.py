"""Tokens of waiting tasks, their time limits and heartbeats."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.contract.patches.test_stepfunctions import End, Start, machine, task
from tests.waiting import PATIENCE_SECONDS

# What a token is worth: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html, "Wait for a
# Callback with Task Token", and API_SendTaskSuccess.html. The errors and their names are those of
# localstack tests/aws/services/stepfunctions/v2/{callback,timeouts}/*.snapshot.json, recorded on AWS.
TOKEN = "{% $states.context.Task.Token %}"


class Approvals:
    """Executions whose only task waits for an answer to the token that it sends to a queue."""

    def __init__(self, cloud: EmbeddedCloud, start_machine: Start, name: str) -> None:
        self.states, self._sqs, self._start = cloud.client("stepfunctions"), cloud.client("sqs"), start_machine
        self._queue_url = self._sqs.create_queue(QueueName=name)["QueueUrl"]

    def start(self, **more: Any) -> str:
        arguments = {"QueueUrl": self._queue_url, "MessageBody": {"token": TOKEN}}
        resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
        following = {"Caught": {"Type": "Succeed"}} if "Catch" in more else {}
        state = {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more}
        return self._start(machine(Ask=state, **following))

    def token(self) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for message in self._sqs.receive_message(QueueUrl=self._queue_url, WaitTimeSeconds=1).get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
                return str(json.loads(message["Body"])["token"])
        raise AssertionError("no token")

    def kinds(self, execution_arn: str) -> list[str]:
        return [e["type"] for e in self.states.get_execution_history(executionArn=execution_arn)["events"]]


@pytest.fixture(scope="module")
def approvals(cloud: EmbeddedCloud, start_machine: Start, unique: Callable[[str], str]) -> Approvals:
    return Approvals(cloud, start_machine, unique("approvals"))


def test_an_answer_is_the_tasks_result_and_counts_once(approvals: Approvals, end_of: End, code_of: Any) -> None:
    execution_arn = approvals.start()
    answer = {"taskToken": approvals.token(), "output": json.dumps({"approved": True})}
    assert code_of(approvals.states.send_task_success, **answer | {"output": "no JSON"}) == "InvalidOutput"
    approvals.states.send_task_success(**answer)
    assert end_of(execution_arn)["output"] == {"approved": True}
    assert code_of(approvals.states.send_task_success, **answer) == "TaskTimedOut"
    assert code_of.message == "Task Timed Out: 'Provided task does not exist anymore'"


def test_a_failure_has_the_name_that_was_sent(approvals: Approvals, end_of: End) -> None:
    execution_arn = approvals.start()
    approvals.states.send_task_failure(taskToken=approvals.token(), error="Declined", cause="too costly")
    ended = end_of(execution_arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Declined", "too costly")


def test_a_failure_without_a_name_is_caught_as_nothing(approvals: Approvals, end_of: End) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    execution_arn = approvals.start(Catch=catch)
    approvals.states.send_task_failure(taskToken=approvals.token())
    assert end_of(execution_arn)["output"] == {"Error": None, "Cause": None}


def test_a_retry_has_a_token_of_its_own(approvals: Approvals, end_of: End, code_of: Any) -> None:
    execution_arn = approvals.start(Retry=[{"ErrorEquals": ["Again"], "IntervalSeconds": 1}])
    first = approvals.token()
    approvals.states.send_task_failure(taskToken=first, error="Again")
    second = approvals.token()
    assert second != first
    assert code_of(approvals.states.send_task_success, taskToken=first, output="1") == "TaskTimedOut"
    approvals.states.send_task_success(taskToken=second, output="2")
    assert end_of(execution_arn)["output"] == 2


@pytest.mark.parametrize("send", ["success", "failure", "heartbeat"])
def test_a_token_dies_with_its_execution_and_one_that_never_was_is_invalid(
    approvals: Approvals, end_of: End, code_of: Any, send: str
) -> None:
    execution_arn = approvals.start(Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}])
    token = approvals.token()
    approvals.states.stop_execution(executionArn=execution_arn)
    call = getattr(approvals.states, f"send_task_{send}")
    output = {"output": "1"} if send == "success" else {}
    assert code_of(call, taskToken=token, **output) == "TaskTimedOut"
    assert code_of(call, taskToken="AQCEAAAAKgAAAAMAAAAAAAAAAbad", **output) == "InvalidToken"
    assert code_of.message == "Invalid Token: 'Invalid token'"
    assert end_of(execution_arn)["status"] == "ABORTED"
    assert approvals.kinds(execution_arn).count("TaskScheduled") == 1  # and is not tried again


def test_a_task_without_an_answer_times_out(approvals: Approvals, end_of: End, code_of: Any) -> None:
    execution_arn = approvals.start(TimeoutSeconds="{% 1 %}")
    token = approvals.token()
    ended = end_of(execution_arn)
    assert (ended["status"], ended["error"], ended.get("cause")) == ("FAILED", "States.Timeout", None)
    assert approvals.kinds(execution_arn)[-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert code_of(approvals.states.send_task_success, taskToken=token, output="1") == "TaskTimedOut"


def test_heartbeats_keep_a_task_alive_and_their_absence_is_a_time_out(approvals: Approvals, end_of: End) -> None:
    execution_arn = approvals.start(HeartbeatSeconds="{% 2 - 1 %}", TimeoutSeconds=60)
    token, started = approvals.token(), time.monotonic()
    while time.monotonic() < started + 2:
        approvals.states.send_task_heartbeat(taskToken=token)
        time.sleep(0.2)  # the interval is what is tested
    ended = end_of(execution_arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert time.monotonic() - started > 2.5


# The resource is the one that AWS's refusal names: github.com/NOAA-OWP/hydrovis/issues/837.
def test_a_token_is_answered_only_with_the_permission_on_its_machine(
    cloud: EmbeddedCloud, approvals: Approvals, end_of: End, code_of: Any, make_role: Any
) -> None:
    execution_arn = approvals.start()
    machine_arn = execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    answer = {"taskToken": approvals.token(), "output": "1"}

    def states_with(resource: str) -> Any:
        allowed = make_role({"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": resource})
        return cloud.client("stepfunctions", credentials=allowed.credentials)

    assert code_of(states_with(f"{machine_arn}-other").send_task_success, **answer) == "AccessDeniedException"
    states_with(machine_arn).send_task_success(**answer)
    assert end_of(execution_arn)["output"] == 1


# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: "HeartbeatTimeout is available
# inside the Catch and Retry fields"; States.Timeout covers it too.
@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout"])
def test_a_missed_heartbeat_is_caught_by_either_name(approvals: Approvals, end_of: End, name: str) -> None:
    catch = [{"ErrorEquals": [name], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    ended = end_of(approvals.start(HeartbeatSeconds=1, Catch=catch))
    assert ended["output"] == {"Error": "States.Timeout", "Cause": ""}
    approvals.token()


def test_a_function_that_takes_too_long_times_out_without_a_cause(
    start_machine: Start, end_of: End, make_function: Callable[[str], str]
) -> None:
    function = make_function("import time\ndef handler(event, context): time.sleep(3)")
    catch = [{"ErrorEquals": ["States.Timeout"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    slow = task(function, {}, TimeoutSeconds=1, Catch=catch)
    assert end_of(start_machine(machine(Slow=slow, Caught={"Type": "Succeed"})))["output"] == {
        "Error": "States.Timeout",
        "Cause": "",
    }


# https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskSubmitFailedEventDetails.html: what cannot be
# submitted fails. That an error of the function itself does, too, is unproven.
def test_a_function_that_is_to_pass_its_token_on_must_not_fail(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_function: Callable[[str], str], make_role: Any
) -> None:
    states = cloud.client("stepfunctions")
    echo = make_function("import json\ndef handler(event, context): raise ValueError(event['token'])")
    waiting = {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 20}
    ended = end_of(start_machine(machine(Ask=task(echo, {"token": TOKEN}) | waiting)))
    assert (ended["status"], ended["error"]) == ("FAILED", "ValueError")
    refused = end_of(start_machine(machine(Ask=task(echo, {"token": TOKEN}) | waiting), role=make_role()))
    assert (refused["status"], refused["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    token = json.loads(ended["cause"])["errorMessage"]
    with pytest.raises(states.exceptions.TaskTimedOut):
        states.send_task_success(taskToken=token, output="1")
