"""The Amazon States Language where the emulator departs from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from local.cloud import EmbeddedCloud

Start = Callable[..., str]
End = Callable[[str], dict[str, Any]]

_SLEEP = "import time\ndef handler(event, context): time.sleep(event['seconds'])"


def task(resource: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more}


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def test_a_parallel_state_applies_arguments_output_and_assign(start_machine: Start, end_of: End) -> None:
    branches = [
        machine(Left={"Type": "Pass", "Assign": {"inner": 1}, "Output": "{% $states.input.number %}", "End": True}),
        machine(Right={"Type": "Pass", "Output": "{% $outer & $states.context.State.Name %}", "End": True}),
    ]
    definition = machine(
        Before={"Type": "Pass", "Assign": {"outer": "in "}, "Next": "Both"},
        Both={
            "Type": "Parallel",
            "Arguments": {"number": "{% $states.input.number + 1 %}"},
            "Branches": branches,
            "Assign": {"results": "{% $states.result %}"},
            "Output": {"first": "{% $states.result[0] %}"},
            "Next": "After",
        },
        After={
            "Type": "Pass",
            "Output": {"input": "{% $states.input %}", "results": "{% $results %}", "leaked": "{% $exists($inner) %}"},
            "End": True,
        },
    )
    ended = end_of(start_machine(definition, {"number": 1}))
    assert ended["output"] == {"input": {"first": 2}, "results": [2, "in Right"], "leaked": False}


def test_a_parallel_state_catches_what_a_branch_raises(start_machine: Start, end_of: End) -> None:
    branch = machine(Fail={"Type": "Fail", "Error": "DatasetTooSmall", "Cause": "3 rows"})
    catch = {"ErrorEquals": ["DatasetTooSmall"], "Assign": {"error": "{% $states.errorOutput %}"}, "Next": "Named"}
    definition = machine(
        Both={"Type": "Parallel", "Branches": [branch], "Catch": [catch], "End": True},
        Named={"Type": "Fail", "Error": "{% $error.Error %}", "Cause": "{% $error.Cause %}"},
    )
    ended = end_of(start_machine(definition))
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "DatasetTooSmall", "3 rows")


def test_a_succeed_state_has_an_output(start_machine: Start, end_of: End) -> None:
    assert end_of(start_machine(machine(Done={"Type": "Succeed", "Output": "{% 1 + 1 %}"})))["output"] == 2


def test_a_machines_time_limit_ends_it_and_is_told(
    start_machine: Start, end_of: End, make_function: Callable[[str], str], make_event_queue: Any
) -> None:
    next_event = make_event_queue({"source": ["aws.states"], "detail": {"status": ["TIMED_OUT"]}})
    definition = machine(Sleep=task(make_function(_SLEEP), {"seconds": 3}))
    execution_arn = start_machine({**definition, "TimeoutSeconds": 1})
    assert end_of(execution_arn)["status"] == "TIMED_OUT"
    detail = next_event()["detail"]
    assert (detail["executionArn"], detail["status"]) == (execution_arn, "TIMED_OUT")


def test_a_stopped_execution_stays_aborted_and_its_branches_begin_nothing_more(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_function: Callable[[str], str], make_bucket: Any
) -> None:
    bucket = make_bucket()
    write = task("arn:aws:states:::aws-sdk:s3:putObject", {"Bucket": bucket, "Key": "late", "Body": "x"})
    sleep = {**task(make_function(_SLEEP), {"seconds": 1}), "End": False, "Next": "Write"}
    del sleep["End"]
    branch = machine(Sleep=sleep, Write=write)
    execution_arn = start_machine(machine(Both={"Type": "Parallel", "Branches": [branch], "End": True}))
    states = cloud.client("stepfunctions")
    types: list[str] = []
    deadline = time.monotonic() + 20
    while "TaskScheduled" not in types:
        assert time.monotonic() < deadline
        types = [event["type"] for event in states.get_execution_history(executionArn=execution_arn)["events"]]
    states.stop_execution(executionArn=execution_arn, error="Stopped", cause="by hand")
    while "TaskSucceeded" not in types:  # the function that was running ends by itself, as on AWS
        assert time.monotonic() < deadline
        types = [event["type"] for event in states.get_execution_history(executionArn=execution_arn)["events"]]
    time.sleep(0.2)  # nothing is to happen: there is no event to await
    assert end_of(execution_arn)["status"] == "ABORTED"
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=bucket)


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
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60, "BackoffRate": 1, "MaxAttempts": 5}
    function = make_function("def handler(event, context): raise Exception('no')")
    started = time.monotonic()
    ended = end_of(start_machine(machine(Try=task(function, {}, Retry=[{**retry, "MaxDelaySeconds": 1}]))))
    assert ended["status"] == "FAILED"
    assert time.monotonic() - started < 5.5  # five delays of 60 s at a scale of 0.02 are 6 s
