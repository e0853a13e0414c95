"""Step Functions: nested executions, and failures of EventBridge and DynamoDB, by the names that AWS gives them."""

from __future__ import annotations

import functools
import json
import time
from typing import Any, Final

from botocore.session import Session
from ministack.core.responses import new_uuid
from ministack.services import stepfunctions

from local.patches.emulator import original, wrap
from local.patches.stepfunctions_tasks import is_given_up

PUT_EVENTS: Final = "arn:aws:states:::events:putEvents"
DYNAMODB: Final = "arn:aws:states:::dynamodb:"
LOOK_SECONDS: Final = 0.02  # how often a waiting parent looks at its child and at itself


def apply() -> None:
    """Start child executions as StartExecution does, end them with their task, and name what fails.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html, "Run a Job (.sync)"
    Names and causes are those of LocalStack's recorded test_callback, test_task_service_sfn,
    test_events_task_service and test_task_service_dynamodb.
    """
    original(stepfunctions, "_stop_execution", "44d2d84ccd5c")
    original(stepfunctions, "_describe_execution", "c3ad294ad8b5")
    original(stepfunctions, "_nested_start_execution_request", "7882a755af3e")
    wrap(stepfunctions, "_invoke_nested_start_execution", "fc2b83eed27a", lambda _shipped: _start)
    wrap(stepfunctions, "_invoke_nested_start_execution_sync", "d9f13c4aabed", lambda _shipped: _start_and_wait)
    wrap(stepfunctions, "_invoke_resource", "a85d2be9a858", _with_named_failures)


def _start(_resource: str, arguments: Any) -> dict[str, Any]:
    request = stepfunctions._nested_start_execution_request(arguments)
    status, _, body = stepfunctions._start_execution(request)
    answer = json.loads(body)
    if status >= 400:
        code = str(answer["__type"])
        words = {
            "StateMachineDoesNotExist": f"State Machine Does Not Exist: '{request['stateMachineArn']}'",
            "ExecutionAlreadyExists": answer.get("message", "").replace("already exists", "Already Exists", 1),
        }
        cause = _with_origin(words.get(code, answer.get("message", "")), "AWSStepFunctions", code)
        raise stepfunctions._ExecutionError(f"StepFunctions.{code.removesuffix('Exception')}Exception", cause)
    return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"]}


def _start_and_wait(resource: str, arguments: Any) -> dict[str, Any]:
    """A job: its failure is `States.TaskFailed` with its description, and it is stopped when nobody waits for it."""
    child_arn = _start(resource, arguments)["ExecutionArn"]
    while (child := stepfunctions._executions[child_arn])["status"] == "RUNNING":
        if is_given_up():
            stepfunctions._stop_execution({"executionArn": child_arn})
            break
        time.sleep(LOOK_SECONDS)
    described = _described(child, parsed=resource.endswith(":2"))
    if child["status"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described))
    return described


def _described(child: dict[str, Any], *, parsed: bool) -> dict[str, Any]:
    read = json.loads if parsed else str
    about = {
        "ExecutionArn": child["executionArn"],
        "Input": read(child["input"]),
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }
    if child["status"] == "SUCCEEDED":
        return about | {"Output": read(child["output"]), "OutputDetails": {"Included": True}}
    return about | {key.title(): child[key] for key in ("error", "cause") if child.get(key)}


def _with_named_failures(invoke: Any) -> Any:
    @functools.wraps(invoke)
    def invoking(resource: str, arguments: Any) -> Any:
        if resource == PUT_EVENTS:
            return _put_events(invoke, resource, arguments)
        try:
            return invoke(resource, arguments)
        except stepfunctions._ExecutionError as error:
            if not resource.startswith(DYNAMODB):
                raise
            code = error.error.removeprefix("DynamoDB.")
            name = code if code in _declared() else "AmazonDynamoDBException"
            cause = _with_origin(error.cause, "AmazonDynamoDBv2", code)
            raise stepfunctions._ExecutionError(f"DynamoDB.{name}", cause) from error

    return invoking


@functools.cache
def _declared() -> set[str]:
    """Errors that DynamoDB's operations declare; the SDK for Java gives all others the service's own name."""
    model = Session().get_service_model("dynamodb")
    operations = ("PutItem", "GetItem", "DeleteItem", "UpdateItem")
    return {shape.name for name in operations for shape in model.operation_model(name).error_shapes}


def _put_events(invoke: Any, resource: str, arguments: Any) -> Any:
    """A Detail may be an object here; one entry that fails makes the task fail, although the others were sent."""
    entries = [
        entry | ({} if isinstance(entry.get("Detail"), str) else {"Detail": json.dumps(entry.get("Detail"))})
        for entry in arguments["Entries"]
    ]
    result = invoke(resource, arguments | {"Entries": entries})
    if result.get("FailedEntryCount"):
        raise stepfunctions._ExecutionError("EventBridge.FailedEntry", json.dumps(result))
    return result


def _with_origin(words: str, service: str, code: str) -> str:
    """The cause of an optimised integration, as the SDK for Java 1 writes it."""
    return f"{words} (Service: {service}; Status Code: 400; Error Code: {code}; Request ID: {new_uuid()}; Proxy: null)"
