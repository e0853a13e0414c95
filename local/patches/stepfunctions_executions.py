"""Step Functions: an execution keeps its definition, and is redriven from the state in which it ended."""

from __future__ import annotations

import contextvars
import copy
import functools
import json
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import eventbridge, stepfunctions

from local.patches.emulator import original, wrap

REDRIVABLE: Final = ("FAILED", "ABORTED", "TIMED_OUT")
REDRIVABLE_FOR: Final = timedelta(days=14)
EVENTS: Final = 24_999  # of a history in which ExecutionRedriven and one more event no longer fit
START_SECONDS: Final = 0.15  # as shipped: the caller has its answer before the first state begins

_attempt: contextvars.ContextVar[tuple[dict[str, Any], int] | None] = contextvars.ContextVar("attempt", default=None)
_HANDLERS: Final = ("Pass", "Task", "Choice", "Wait", "Parallel", "Map")


def apply() -> None:
    """Walk through the states so that another attempt can begin where this one ends.

    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """
    for kind, source in zip(_HANDLERS, _SOURCES, strict=True):
        original(stepfunctions, f"_execute_{kind.lower()}", source)
    wrap(stepfunctions, "_run_execution", "996dff84e0e0", lambda _shipped: _run)
    wrap(stepfunctions, "handle_request", "efa6e8c4532a", _with_redrive)
    wrap(stepfunctions, "_describe_execution", "c3ad294ad8b5", _with_redrive_status)
    wrap(stepfunctions, "_list_executions", "741208b30077", _with_redrive_counts)
    wrap(eventbridge, "_dispatch_event", "d1bfe064f602", _with_redrive_in_events)


_SOURCES: Final = ("b1dff47048bc", "53c818d247db", "468955fcd4a4", "a1012679c72d", "2166e1f53e5f", "18ad39652912")


def is_over() -> bool:
    """Whether the execution that this thread works for has ended, or was redriven since."""
    attempt = _attempt.get()
    return attempt is not None and not _is_running(*attempt)


def _is_running(execution: dict[str, Any], count: int) -> bool:
    return bool(execution["status"] == "RUNNING" and execution.get("redriveCount", 0) == count)


def _run(execution_arn: str) -> None:
    """One attempt, from the start or from the state in which the last one ended, to the end."""
    execution = stepfunctions._executions[execution_arn]
    count = execution.get("redriveCount", 0)
    _attempt.set((execution, count))
    time.sleep(START_SECONDS)
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    try:
        if machine is None:
            raise stepfunctions._ExecutionError("States.Runtime", "The state machine no longer exists")
        definition = json.loads(execution.setdefault("definition", machine["definition"]))
        output = _walk(execution, definition, _context(execution, machine, definition))
    except stepfunctions._ExecutionError as error:
        if _is_running(execution, count):
            stepfunctions._fail_execution(execution, error.error, error.cause)
    except Exception as error:
        logging.getLogger("states").exception("unexpected error in execution %s", execution_arn)
        if _is_running(execution, count):
            stepfunctions._fail_execution(execution, "States.Runtime", str(error))
    else:
        if _is_running(execution, count):
            _succeed(execution, output)


def _context(execution: dict[str, Any], machine: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    count = execution.get("redriveCount", 0)
    about = {
        "Id": execution["executionArn"],
        "Input": json.loads(execution["input"]),
        "Name": execution["name"],
        "RoleArn": machine["roleArn"],
        "StartTime": execution["startDate"],
        "RedriveCount": count,
    }
    if count:
        about["RedriveTime"] = execution["redriveDate"]
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": about,
        "StateMachine": {"Id": machine["stateMachineArn"], "Name": machine["name"]},
    }


def _walk(execution: dict[str, Any], definition: dict[str, Any], context: dict[str, Any]) -> Any:
    """From state to state while the attempt is running; what the last one answers."""
    place = execution.get("place") or {"state": definition["StartAt"], "data": context["Execution"]["Input"]}
    name, data = place["state"], place["data"]
    context["variables"] = copy.deepcopy(place.get("variables", {}))
    while name and not is_over():
        # A redriven execution begins with the input and the variables that the state had.
        execution["place"] = {"state": name, "data": data, "variables": copy.deepcopy(context["variables"])}
        state = definition["States"][name]
        kind = state["Type"]
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        stepfunctions._add_event(execution, f"{kind}StateEntered", _details("Entered", name, input=data))
        if kind == "Fail":
            raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, data, context))
        data, following = _step(kind, state, data, execution, context)
        if is_over():
            break
        stepfunctions._add_event(execution, f"{kind}StateExited", _details("Exited", name, output=data))
        name = following
    return data


def _step(
    kind: str, state: dict[str, Any], data: Any, execution: dict[str, Any], context: dict[str, Any]
) -> tuple[Any, str | None]:
    if kind == "Succeed":
        data = stepfunctions._apply_output_path(state, stepfunctions._apply_input_path(state, data, context), context)
        return stepfunctions._apply_jsonata_output(state, data, context, default=data), None
    handle = getattr(stepfunctions, f"_execute_{kind.lower()}")
    arguments = (execution, context) if kind in ("Task", "Parallel", "Map") else (context,)
    result: tuple[Any, str | None] = handle(state, data, *arguments)
    return result


def _details(event: str, name: str, **data: Any) -> dict[str, Any]:
    return {f"state{event}EventDetails": {"name": name} | {key: json.dumps(value) for key, value in data.items()}}


def _succeed(execution: dict[str, Any], output: Any) -> None:
    text = json.dumps(output)
    execution.pop("place", None)
    execution |= {"status": "SUCCEEDED", "output": text, "stopDate": now_iso()}
    stepfunctions._add_event(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": text}})
    stepfunctions._emit_execution_status_event(execution)


def redrive_refusal(execution: dict[str, Any], now: datetime) -> str | None:
    """Why an execution cannot be redriven, in the words of DescribeExecution; nothing when it can."""
    if execution["status"] not in REDRIVABLE:
        return f"Execution is {execution['status']} and cannot be redriven"
    if now - datetime.fromisoformat(execution["stopDate"]) > REDRIVABLE_FOR:
        return "Execution redrivable period exceeded"
    if len(execution["events"]) >= EVENTS:
        return "Execution history event limit exceeded"
    return None


def _with_redrive(handle: Any) -> Any:
    @functools.wraps(handle)
    async def handling(method: str, path: str, headers: dict[str, str], body: Any, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return stepfunctions._finalize_response(_redrive(json.loads(body)))
        return await handle(method, path, headers, body, query)

    return handling


def _redrive(request: dict[str, Any]) -> Any:
    execution_arn = request.get("executionArn", "")
    execution = stepfunctions._executions.get(execution_arn)
    if execution is None:
        return error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{execution_arn}'", 400)
    token = request.get("clientToken")
    if token and token == execution.get("redriveToken"):
        return json_response({"redriveDate": execution["redriveDate"]})
    if refusal := redrive_refusal(execution, datetime.now(UTC)):
        return error_response_json("ExecutionNotRedrivable", refusal, 400)
    for key in ("error", "cause"):
        execution.pop(key, None)
    count = execution.get("redriveCount", 0) + 1
    execution |= {"redriveCount": count, "redriveDate": now_iso(), "redriveToken": token}
    execution |= {"status": "RUNNING", "stopDate": None, "output": None}
    stepfunctions._add_event(execution, "ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": count}})
    stepfunctions._emit_execution_status_event(execution)
    run = functools.partial(contextvars.copy_context().run, stepfunctions._run_execution, execution_arn)
    threading.Thread(target=run, daemon=True).start()
    return json_response({"redriveDate": execution["redriveDate"]})


def _redrive_of(execution: dict[str, Any]) -> dict[str, Any]:
    refusal = redrive_refusal(execution, datetime.now(UTC))
    found = {"redriveCount": execution.get("redriveCount", 0)}
    found |= {"redriveDate": execution["redriveDate"]} if "redriveDate" in execution else {}
    found |= {"redriveStatus": "NOT_REDRIVABLE" if refusal else "REDRIVABLE"}
    return found | ({"redriveStatusReason": refusal} if refusal else {})


def _with_redrive_status(describe: Any) -> Any:
    @functools.wraps(describe)
    def describing(request: dict[str, Any]) -> Any:
        status, headers, body = describe(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body) | _redrive_of(stepfunctions._executions[request["executionArn"]])
        if answer["status"] != "SUCCEEDED":  # as shipped, a failed one has its error as its output, too
            answer = {key: value for key, value in answer.items() if key not in ("output", "outputDetails")}
        return json_response(answer)

    return describing


def _with_redrive_counts(list_executions: Any) -> Any:
    @functools.wraps(list_executions)
    def listing(request: dict[str, Any]) -> Any:
        status, headers, body = list_executions(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        for row in answer["executions"]:
            redrive = _redrive_of(stepfunctions._executions[row["executionArn"]])
            row |= {key: redrive[key] for key in ("redriveCount", "redriveDate") if key in redrive}
        return json_response(answer)

    return listing


def _with_redrive_in_events(dispatch: Any) -> Any:
    """A status-change event says whether and how often its execution was redriven."""

    @functools.wraps(dispatch)
    def dispatching(event: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        if event.get("Source") == "aws.states":
            detail = json.loads(event["Detail"])
            if execution := stepfunctions._executions.get(detail.get("executionArn", "")):
                redrive = _redrive_of(execution)
                redrive["redriveDate"] = stepfunctions._iso_to_epoch_ms(redrive.get("redriveDate"))
                event = event | {"Detail": json.dumps(detail | {"redriveStatusReason": None} | redrive)}
                return dispatch(event)  # without what was made of the event as it was
        return dispatch(event, *arguments, **options)

    return dispatching
