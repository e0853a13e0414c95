"""Step Functions: 256 KB of payload, 25,000 events of history, and errors that no States.ALL catches."""

from __future__ import annotations

import functools
import os
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions

from local.patches.emulator import wrap
from local.patches.lambda_payload import size_of

PAYLOAD_BYTES = 262_144
TERMINAL = ("States.DataLimitExceeded", "States.Runtime")


def apply() -> None:
    """End executions that outgrow the quotas, under the names that they have there.

    https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, "Quotas related to state machine
    executions"; https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, "Error names";
    https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html: event 25,000 is the end's.
    `TENANTML_LOCAL_HISTORY_EVENTS` lowers the history's limit.
    """
    wrap(stepfunctions, "_start_execution", "9923282fc76c", _with_limited_input)
    wrap(stepfunctions, "_invoke_resource", "a85d2be9a858", _with_limited_payload)
    wrap(stepfunctions, "_add_event", "b1db143ccd21", _with_limited_history)
    wrap(stepfunctions, "_error_matches", "519b9dc729c5", _but_terminal_ones)


def _with_limited_input(start: Any) -> Any:
    @functools.wraps(start)
    def starting(request: dict[str, Any]) -> Any:
        if len(request.get("input", "").encode()) > PAYLOAD_BYTES:
            return error_response_json(
                "ValidationException",
                "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length "
                f"less than or equal to {PAYLOAD_BYTES}",
                400,
            )
        return start(request)

    return starting


def _with_limited_payload(invoke: Any) -> Any:
    @functools.wraps(invoke)
    def invoking(resource: str, arguments: Any) -> Any:
        _require_small(arguments, resource, "received an input")
        result = invoke(resource, arguments)
        _require_small(result, resource, "returned a result")
        return result

    return invoking


def _with_limited_history(add: Any) -> Any:
    @functools.wraps(add)
    def adding(execution: dict[str, Any], kind: str, details: Any = None) -> Any:
        limit = int(os.environ.get("TENANTML_LOCAL_HISTORY_EVENTS", "25000"))
        if len(execution["events"]) >= limit - 1 and not kind.startswith("Execution"):
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The execution reached the maximum number of history events ({limit})."
            )
        if left := (details or {}).get("stateExitedEventDetails"):
            _require_small(left["output"], left["name"], "returned a result")
        return add(execution, kind, details)

    return adding


def _but_terminal_ones(matches: Any) -> Any:
    """Neither is caught by States.ALL; the execution fails at once."""

    @functools.wraps(matches)
    def matching(error_equals: list[str], error: str) -> bool:
        named = [name for name in error_equals if name == error] if error in TERMINAL else error_equals
        return bool(matches(named, error))

    return matching


def _require_small(document: Any, name: str, what: str) -> None:
    size = len(document.encode()) if isinstance(document, str) else size_of(document)
    if size > PAYLOAD_BYTES:
        raise stepfunctions._ExecutionError(
            "States.DataLimitExceeded",
            f"The state/task '{name}' {what} with a size exceeding the maximum number of bytes service limit.",
        )
