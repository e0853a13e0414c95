"""Lambda: a failed invocation carries its exception's class, its worker continues, and a warm invocation takes 6 ms."""

from __future__ import annotations

import contextvars
import functools
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

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

_FIRST_LOG_LINE_SECONDS = 0.003
_IDLE_SECONDS = 0.001

_failure: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("lambda_failure", default=None)


def apply() -> None:
    """Fix the Python worker's answer, its reader, and the waits for log lines."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_SHIPPED_ANSWER) != 1:
        raise EmulatorChanged("ministack: the Python worker's answer to an exception has changed")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_SHIPPED_ANSWER, _OUR_ANSWER)
    wrap(lambda_runtime.Worker, "invoke", "96751a754710", _note_the_failure)
    wrap(lambda_runtime.Worker, "_drain_stderr_bounded", "3fd7cc742872", _wait_briefly)
    wrap(lambda_svc, "_execute_function_warm", "62b9218bef5b", _answer_the_failure)


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
        failure = _failure.get()
        return outcome if failure is None else {**outcome, "body": failure, "error": True}

    return answering


def _wait_briefly(drain: Any) -> Any:
    """A later log line belongs to the next invocation's log, as it may on AWS."""

    @functools.wraps(drain)
    def draining(self: Any, first_line_wait: float = _FIRST_LOG_LINE_SECONDS) -> str:
        text: str = drain(self, first_line_wait=first_line_wait, idle_confirm=_IDLE_SECONDS)
        return text

    return draining
