"""The Amazon States Language where the emulator departs from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.waiting import PATIENCE_SECONDS

Start = Callable[..., str]
End = Callable[[str], dict[str, Any]]

_SLEEP = "import time\ndef handler(event, context): time.sleep(event['seconds'])"


def task(function_arn: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    arguments = {"FunctionName": function_arn, "Payload": payload}
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments, "End": True, **more}


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def test_a_machines_time_limit_ends_it_and_is_announced(
    start_machine: Start, end_of: End, make_function: Callable[[str], str], make_event_queue: Any
) -> None:
    next_event = make_event_queue({"source": ["aws.states"], "detail": {"status": ["TIMED_OUT"]}})
    definition = machine(Sleep=task(make_function(_SLEEP), {"seconds": 3}))
    execution_arn = start_machine({**definition, "TimeoutSeconds": 1})
    assert end_of(execution_arn)["status"] == "TIMED_OUT"
    detail = next_event()["detail"]
    assert (detail["executionArn"], detail["status"]) == (execution_arn, "TIMED_OUT")


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_stopping_what_has_ended_changes_nothing(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, status: str
) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html lists no error for it
    execution_arn = start_machine(machine(End={"Type": {"SUCCEEDED": "Succeed", "FAILED": "Fail"}[status]}))
    before = end_of(execution_arn)
    answer = cloud.client("stepfunctions").stop_execution(executionArn=execution_arn, error="Stopped", cause="late")
    assert answer["stopDate"] == before["stopDate"]
    assert {**end_of(execution_arn), "ResponseMetadata": None} == {**before, "ResponseMetadata": None}


def test_a_stopped_execution_stays_aborted_when_its_task_fails_afterwards(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_function: Callable[[str], str]
) -> None:
    function = make_function("import time\ndef handler(event, context): time.sleep(1); raise Exception('too late')")
    execution_arn = start_machine(machine(Sleep=task(function, {})))
    states = cloud.client("stepfunctions")

    def await_event(kind: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while kind not in {
            event["type"] for event in states.get_execution_history(executionArn=execution_arn)["events"]
        }:
            assert time.monotonic() < deadline, kind
            time.sleep(0.02)

    await_event("TaskScheduled")
    states.stop_execution(executionArn=execution_arn, error="Stopped", cause="by hand")
    await_event("TaskFailed")  # the function that was running ends by itself, as on AWS
    time.sleep(0.2)  # nothing is to happen: there is no event to await
    ended = end_of(execution_arn)
    assert (ended["status"], ended["error"]) == ("ABORTED", "Stopped")


def test_a_start_is_idempotent_while_it_runs(cloud: EmbeddedCloud, start_machine: Start, code_of: Any) -> None:
    waiting = machine(Wait={"Type": "Wait", "Seconds": 600, "Next": "Done"}, Done={"Type": "Succeed"})
    first = start_machine(waiting, {"a": 1})
    states, machine_arn = (
        cloud.client("stepfunctions"),
        first.replace(":execution:", ":stateMachine:").rpartition(":")[0],
    )
    again = {"stateMachineArn": machine_arn, "name": "once"}
    assert states.start_execution(**again, input=json.dumps({"a": 1}))["executionArn"] == first
    assert code_of(states.start_execution, **again, input=json.dumps({"a": 2})) == "ExecutionAlreadyExists"
    states.stop_execution(executionArn=first)
    assert code_of(states.start_execution, **again, input=json.dumps({"a": 1})) == "ExecutionAlreadyExists"


def test_a_retrys_delay_has_a_limit(start_machine: Start, end_of: End, make_function: Callable[[str], str]) -> None:
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600, "BackoffRate": 1, "MaxAttempts": 5}
    function = make_function("def handler(event, context): raise Exception('no')")
    started = time.monotonic()
    ended = end_of(start_machine(machine(Try=task(function, {}, Retry=[{**retry, "MaxDelaySeconds": 1}]))))
    assert ended["status"] == "FAILED"
    assert time.monotonic() - started < 50  # five delays of 600 s at a scale of 0.02 are 60 s


# That a Condition is true or false: https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html; the words
# are those that localstack's test_map_state_items_eval_jsonata_fail recorded for another field.
@pytest.mark.parametrize(
    ("condition", "kind"), [("1", "number"), ("'true'", "string"), ("null", "null"), ("[]", "array")]
)
def test_a_condition_is_true_or_false(start_machine: Start, end_of: End, condition: str, kind: str) -> None:
    rule = {"Condition": f"{{% {condition} %}}", "Next": "Done"}
    choose = {"Type": "Choice", "Choices": [rule], "Default": "Done"}
    ended = end_of(start_machine(machine(Choose=choose, Done={"Type": "Succeed"})))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert f"Expected 'boolean', but was '{kind}'" in ended["cause"]


def test_the_time_limit_of_an_attempt_does_not_end_the_next(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_function: Callable[[str], str]
) -> None:
    definition = machine(Sleep=task(make_function(_SLEEP), {"seconds": 2}))
    execution_arn = start_machine({**definition, "TimeoutSeconds": 1})
    assert end_of(execution_arn)["status"] == "TIMED_OUT"
    # https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html: the time limit begins anew
    started = time.monotonic()
    cloud.client("stepfunctions").redrive_execution(executionArn=execution_arn)
    assert end_of(execution_arn)["status"] == "TIMED_OUT"
    assert time.monotonic() - started > 0.9
