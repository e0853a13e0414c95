"""Step Functions: time limits, idempotent starts, limited delays, strict conditions, final states that stay final."""

from __future__ import annotations

import functools
import json
import random
import re
import threading
from contextvars import copy_context
from typing import Any, Final

from ministack.core.responses import json_response, now_iso
from ministack.services import stepfunctions

from local.patches.emulator import original, wrap

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def apply() -> None:
    """Fix the interpreter where it departs from the Amazon States Language."""
    wrap(stepfunctions, "_find_matching_retrier", "cb494ae8503c", _with_limited_delay)
    original(stepfunctions, "_jsonata_state_field", "9bf62b72170e")
    wrap(stepfunctions, "_evaluate_jsonata_choice_rule", "1e87225cbcf3", lambda _shipped: _meets)
    wrap(stepfunctions, "_parse_ts", "558842d52cf6", _with_zone)
    wrap(stepfunctions, "_fail_state_error", "98f66cfa4b71", _or_none)
    wrap(stepfunctions, "_fail_execution", "e6da895fa0b7", _unless_ended)
    wrap(stepfunctions, "_run_execution", "996dff84e0e0", _with_time_limit)
    wrap(stepfunctions, "_start_execution", "9923282fc76c", _idempotently)
    wrap(stepfunctions, "_stop_execution", "44d2d84ccd5c", _if_it_runs)


def _with_limited_delay(find: Any) -> Any:
    """MaxDelaySeconds caps a retry's delay, JitterStrategy FULL draws it between 0 and that."""

    @functools.wraps(find)
    def finding(retriers: Any, error: str, retry_counts: dict[int, int]) -> Any:
        retrier, index = find(retriers, error, retry_counts)
        if retrier is None:
            return retrier, index
        attempts = retry_counts.get(index, 0)
        seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** attempts
        seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
        if retrier.get("JitterStrategy") == "FULL":
            seconds = random.uniform(0, seconds)
        return {**retrier, "IntervalSeconds": seconds, "BackoffRate": 1.0}, index

    return finding


def _meets(rule: dict[str, Any], data: Any, context: dict[str, Any]) -> bool:
    """A Condition is true or false; as shipped, any other value counts as one of them.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
    """
    return bool(stepfunctions._jsonata_state_field(rule, "Condition", "boolean", data, context))


def _with_zone(parse: Any) -> Any:
    """A time has a T and a zone; as shipped, any form of ISO 8601 is one.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
    """

    @functools.wraps(parse)
    def parsing(text: Any) -> Any:
        return parse(text) if isinstance(text, str) and TIME.fullmatch(text) else None

    return parsing


def _or_none(read: Any) -> Any:
    """A Fail state without an Error ends without one; as shipped, in `States.Fail`."""

    @functools.wraps(read)
    def reading(state: dict[str, Any], *arguments: Any) -> tuple[str | None, str]:
        error, cause = read(state, *arguments)
        return (error if {"Error", "ErrorPath"} & state.keys() else None), cause

    return reading


def _unless_ended(fail: Any) -> Any:
    """An execution that was stopped or timed out keeps that status, whatever its running task does afterwards."""

    @functools.wraps(fail)
    def failing(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    return failing


def _with_time_limit(run: Any) -> Any:
    """The machine's TimeoutSeconds, in real seconds: tasks take real time, only waits are shortened."""

    @functools.wraps(run)
    def running(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn)
        machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn", ""))
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
        if seconds is None:
            run(execution_arn)
            return
        timer = threading.Timer(seconds, copy_context().run, (_time_out, execution, execution.get("redriveCount", 0)))
        timer.daemon = True
        timer.start()
        try:
            run(execution_arn)
        finally:
            timer.cancel()

    return running


def _time_out(execution: dict[str, Any], attempt: int) -> None:
    if execution["status"] != "RUNNING" or execution.get("redriveCount", 0) != attempt:
        return
    execution["status"] = "TIMED_OUT"
    execution["stopDate"] = now_iso()
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def _idempotently(start: Any) -> Any:
    """Starting a running execution again with the same name and input returns that execution.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """

    @functools.wraps(start)
    def starting(request: dict[str, Any]) -> Any:
        machine_arn = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
        if machine_arn and request.get("name"):
            arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{request['name']}"
            running = stepfunctions._executions.get(arn)
            if running and running["status"] == "RUNNING" and running["input"] == request.get("input", "{}"):
                return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(request)

    return starting


def _if_it_runs(stop: Any) -> Any:
    """Stopping what has ended changes nothing, and is no error; as shipped, it is a ValidationException.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html has no error for it, and none
    of the reasons of a ValidationException fits (ValidationExceptionReason in botocore's model). Not seen on AWS, so
    `tenantml.aws.stepfunctions.stop` takes either answer.
    """

    @functools.wraps(stop)
    def stopping(request: dict[str, Any]) -> Any:
        execution = stepfunctions._executions.get(request.get("executionArn"))
        if execution and execution["status"] != "RUNNING":
            return json_response({"stopDate": execution["stopDate"]})
        return stop(request)

    return stopping
