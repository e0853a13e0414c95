"""Step Functions: time limits, idempotent starts, limited delays, final states that stay final."""

from __future__ import annotations

import functools
import json
import random
import threading
from contextvars import copy_context
from typing import Any

from ministack.core.responses import json_response, now_iso
from ministack.services import stepfunctions

from local.patches.emulator import wrap


def apply() -> None:
    """Fix the interpreter where it departs from the Amazon States Language."""
    wrap(stepfunctions, "_find_matching_retrier", "cb494ae8503c", _with_limited_delay)
    wrap(stepfunctions, "_fail_execution", "e6da895fa0b7", _unless_ended)
    wrap(stepfunctions, "_run_execution", "996dff84e0e0", _with_time_limit)
    wrap(stepfunctions, "_start_execution", "9923282fc76c", _idempotently)


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
        timer = threading.Timer(seconds, copy_context().run, (_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            run(execution_arn)
        finally:
            timer.cancel()

    return running


def _time_out(execution: dict[str, Any]) -> None:
    if execution["status"] != "RUNNING":
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
