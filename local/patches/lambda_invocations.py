"""Lambda: a failed invocation carries its exception's class, its worker continues, and a warm invocation takes 6 ms."""

from __future__ import annotations

import contextvars
import fcntl
import functools
import struct
import termios
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from local.patches.emulator import EmulatorChanged, wrap

# The worker's answer to an exception in the handler. As shipped, it has no class and marks the worker as broken, which
# then ends; Lambda keeps the environment and answers errorType, errorMessage and stackTrace.
_SHIPPED_ANSWER = (
    '            _real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) '
    '+ "\\n")'
)
_OUR_ANSWER = """            _real_stdout.write(json.dumps({"status": "ok", "result": None, "failure": {
                "errorMessage": str(e), "errorType": type(e).__name__, "requestId": _ms_ctx.get("request_id", ""),
                "stackTrace": traceback.format_tb(e.__traceback__)}}) + "\\n")
            traceback.print_exc()"""

# As shipped, a worker that died is a `Runtime.HandlerError`, and one that could not be started has the name of a
# Python exception of the emulator; either would be a bug of the function.
_BROKE_OFF = "Runtime.ExitError"
_TIMED_OUT = "Sandbox.Timedout"

_FIRST_LOG_LINE_SECONDS = 0.003
_IDLE_SECONDS = 0.001
_LONGEST_READ_SECONDS = 1.0

_failure: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("lambda_failure", default=None)


def apply() -> None:
    """Fix the Python worker's answer, its reader, and the waits for log lines.

    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html has `Runtime.ExitError`,
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html `Lambda.TooManyRequestsException`.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_SHIPPED_ANSWER) != 1:
        raise EmulatorChanged("ministack: the Python worker's answer to an exception has changed")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_SHIPPED_ANSWER, _OUR_ANSWER)
    wrap(lambda_runtime.Worker, "invoke", "96751a754710", _note_the_failure)
    wrap(lambda_runtime.Worker, "_drain_stderr_bounded", "3fd7cc742872", _wait_briefly)
    wrap(lambda_svc, "_execute_function_warm", "62b9218bef5b", _answer_the_failure)
    wrap(stepfunctions, "_call_lambda", "25830369b126", _name_the_throttle)


def _note_the_failure(invoke: Any) -> Any:
    @functools.wraps(invoke)
    def noting(*arguments: Any, **options: Any) -> dict[str, Any]:
        response: dict[str, Any] = invoke(*arguments, **options)
        _failure.set(response.get("failure"))
        return response

    return noting


def _answer_the_failure(execute: Any) -> Any:
    @functools.wraps(execute)
    def answering(*arguments: Any, **options: Any) -> dict[str, Any]:
        _failure.set(None)
        outcome: dict[str, Any] = execute(*arguments, **options)
        if failure := _failure.get():
            return {**outcome, "body": failure, "error": True}
        if outcome.get("error") and not outcome.get("throttle") and outcome["body"].get("errorType") != _TIMED_OUT:
            return {**outcome, "body": {**outcome["body"], "errorType": _BROKE_OFF}}
        return outcome

    return answering


def _name_the_throttle(call: Any) -> Any:
    """A function without room is `Lambda.TooManyRequestsException`; as shipped, `Lambda.Unknown`."""

    @functools.wraps(call)
    def calling(function: Any, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:
            if error.error == "Lambda.Unknown" and '"TooManyRequestsException"' in error.cause:
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", error.cause) from error
            raise

    return calling


def _wait_briefly(drain: Any) -> Any:
    """What the function wrote before it answered is in its pipe by now, and is read out of it, however busy the
    machine is; a later log line belongs to the next invocation's log, as it may on AWS.
    """

    @functools.wraps(drain)
    def draining(self: Any, first_line_wait: float = _FIRST_LOG_LINE_SECONDS) -> str:
        latest = time.monotonic() + _LONGEST_READ_SECONDS
        while self._proc and _unread_bytes(self._proc.stderr) and time.monotonic() < latest:
            time.sleep(_IDLE_SECONDS)
        text: str = drain(self, first_line_wait=first_line_wait, idle_confirm=_IDLE_SECONDS)
        return text

    return draining


def _unread_bytes(pipe: Any) -> int:
    if pipe is None or pipe.closed:
        return 0
    count: int = struct.unpack("i", fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)))[0]
    return count
