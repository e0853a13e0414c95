"""Step Functions: a task's token belongs to one attempt of it; time-outs and heartbeats are kept."""

from __future__ import annotations

import contextvars
import functools
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response, new_uuid
from ministack.services import stepfunctions

from local.patches.emulator import original, wrap
from local.patches.stepfunctions_executions import is_over

CALLBACK: Final = ".waitForTaskToken"
LONGEST_SECONDS: Final = 99_999_999
LOOK_SECONDS: Final = 0.05  # how often a waiting task looks whether its execution still runs

_closed: Any = AccountRegionScopedDict()  # tokens of attempts that are over
_given_up: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("given_up", default=None)


class _MissedHeartbeat(str):
    """`States.Timeout`, which a Catch or Retry may also name `States.HeartbeatTimeout`."""

    __slots__ = ()


def apply() -> None:
    """Wait for the token of this attempt, within its time limit and its heartbeats, while the execution runs.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html, "Wait for a Callback with Task Token"
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, "Error names"
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html; the events, errors and
    words are those of LocalStack's recorded test_callback and test_heartbeats.
    """
    original(stepfunctions, "_jsonata_state_field", "9bf62b72170e")
    wrap(stepfunctions, "_execute_task", "53c818d247db", _with_evaluated_limits)
    wrap(stepfunctions, "_apply_jsonata_arguments", "c74f8b18dccd", _with_a_new_token)
    wrap(stepfunctions, "_apply_parameters", "a90d58220630", _with_a_new_token)
    wrap(stepfunctions, "_invoke_with_callback", "bbb38423156a", lambda _shipped: _call_and_wait)
    wrap(stepfunctions, "_invoke_resource_with_timeout", "faeed0bf70d5", _without_words)
    wrap(stepfunctions, "_find_matching_retrier", "cb494ae8503c", _while_it_runs)
    wrap(stepfunctions, "_error_matches", "519b9dc729c5", _or_as_a_missed_heartbeat)
    wrap(stepfunctions, "_add_event", "b1db143ccd21", _with_time_outs)
    wrap(stepfunctions, "_send_task_success", "12eff48bce57", _if_open)
    wrap(stepfunctions, "_send_task_failure", "c2a489b4ed33", lambda _shipped: _if_open(_fail))
    wrap(stepfunctions, "_send_task_heartbeat", "56879a4655d1", _if_open)


def is_given_up() -> bool:
    """Whether nobody waits any longer for what this thread does: its execution or its task is over."""
    task = _given_up.get()
    return is_over() or (task is not None and task.is_set())


def _with_evaluated_limits(execute: Any) -> Any:
    """TimeoutSeconds and HeartbeatSeconds may be expressions, or paths."""

    @functools.wraps(execute)
    def executing(state: dict[str, Any], data: Any, execution: Any, context: dict[str, Any]) -> Any:
        if is_over():  # the branches and iterations of a stopped execution begin nothing more
            raise stepfunctions._ExecutionError("States.Runtime", "The execution is over")
        _given_up.set(None)  # a child execution has its parent's context
        limits = {}
        for field in ("TimeoutSeconds", "HeartbeatSeconds"):
            if path := state.get(f"{field}Path"):
                limits[field] = stepfunctions._resolve_path_or_ctx(path, data, context)
            elif isinstance(state.get(field), str):
                limits[field] = stepfunctions._jsonata_state_field(state, field, "number", data, context)
        return execute(state | limits, data, execution, context)

    return executing


def _with_a_new_token(evaluate: Any) -> Any:
    """The arguments are evaluated once for each attempt; as shipped, all share the first one's token."""

    @functools.wraps(evaluate)
    def evaluating(state: dict[str, Any], data: Any, context: Any = None) -> Any:
        if CALLBACK in state.get("Resource", ""):
            context["Task"] = {"Token": new_uuid()}
        return evaluate(state, data, context)

    return evaluating


def _call_and_wait(resource: str, arguments: Any, token: str, state: dict[str, Any]) -> Any:
    """Call the resource with the permissions of a call without a token, then wait for the token's answer."""
    task: dict[str, Any] = {"event": threading.Event(), "is_over": _in_this_context(is_over), "beat": time.monotonic()}
    stepfunctions._task_tokens[token] = task
    try:
        stepfunctions._invoke_resource(resource.replace(CALLBACK, ""), arguments)
        _wait(task, state)
    finally:
        _closed[token] = True
        stepfunctions._task_tokens.pop(token, None)
    if failure := task.get("error"):
        raise stepfunctions._ExecutionError(failure["Error"], failure["Cause"])
    return json.loads(task["result"])


def _in_this_context(ask: Callable[[], bool]) -> Callable[[], bool]:
    context = contextvars.copy_context()
    return lambda: context.copy().run(ask)


def _wait(task: dict[str, Any], state: dict[str, Any]) -> None:
    end = time.monotonic() + state.get("TimeoutSeconds", LONGEST_SECONDS)
    while not task["event"].wait(LOOK_SECONDS):
        now = time.monotonic()
        if is_over():
            raise stepfunctions._ExecutionError("States.Runtime", "The execution is over")
        if now > end:
            raise stepfunctions._ExecutionError("States.Timeout", "")
        if now > task["beat"] + state.get("HeartbeatSeconds", LONGEST_SECONDS):
            raise stepfunctions._ExecutionError(_MissedHeartbeat("States.Timeout"), "")


def _without_words(invoke: Any) -> Any:
    """A time-out has no cause; what was called may stop when nobody waits for it (`is_given_up`)."""

    @functools.wraps(invoke)
    def invoking(resource: str, arguments: Any, seconds: float) -> Any:
        given_up = threading.Event()
        before = _given_up.set(given_up)
        try:
            return invoke(resource, arguments, seconds)
        except stepfunctions._ExecutionError as error:
            if error.error == "States.Timeout":
                raise stepfunctions._ExecutionError("States.Timeout", "") from error
            raise
        finally:
            _given_up.reset(before)
            given_up.set()

    return invoking


def _while_it_runs(find: Any) -> Any:
    """As shipped, the task of a stopped execution is tried again."""

    @functools.wraps(find)
    def finding(retriers: Any, error: str, retry_counts: dict[int, int]) -> Any:
        return (None, -1) if is_over() else find(retriers, error, retry_counts)

    return finding


def _or_as_a_missed_heartbeat(matches: Any) -> Any:
    @functools.wraps(matches)
    def matching(names: list[str], error: str) -> bool:
        if isinstance(error, _MissedHeartbeat) and "States.HeartbeatTimeout" in names:
            return True
        return bool(matches(names, error))

    return matching


def _with_time_outs(add: Any) -> Any:
    """A task that takes too long ends in an event of its own."""

    @functools.wraps(add)
    def adding(execution: dict[str, Any], kind: str, details: Any = None) -> Any:
        failure = (details or {}).get("taskFailedEventDetails", {})
        if failure.get("error") == "States.Timeout":
            resource = failure["resource"]
            kind, details = (
                "TaskTimedOut",
                {"taskTimedOutEventDetails": {"error": "States.Timeout", "resource": resource}},
            )
        return add(execution, kind, details)

    return adding


def _if_open(send: Any) -> Any:
    """Only the token of a waiting task is taken, and once; all others are refused by what they are."""

    @functools.wraps(send)
    def sending(request: dict[str, Any]) -> Any:
        token = request.get("taskToken", "")
        task = stepfunctions._task_tokens.get(token)
        if task is None and token not in _closed:
            return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
        if task is None or task["event"].is_set() or task.get("is_over", bool)():
            return error_response_json("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400)
        if "output" in request and (invalid := _is_no_json(request["output"])):
            return error_response_json("InvalidOutput", f"Invalid Output: '{invalid}'", 400)
        task["beat"] = time.monotonic()
        return send(request)

    return sending


def _fail(request: dict[str, Any]) -> Any:
    """As shipped, a failure without a name is a `TaskFailed`."""
    task = stepfunctions._task_tokens[request["taskToken"]]
    task["error"] = {"Error": request.get("error"), "Cause": request.get("cause")}
    task["event"].set()
    return json_response({})


def _is_no_json(text: str) -> str | None:
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    return None
