"""Executions of our state machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import ABSENT_EXECUTION, EXECUTION_EXISTS, INVALID, TASK_OVER, absence


def start(machine_arn: str, name: str, document: dict[str, Any]) -> bool:
    """Start an execution with this input unless it is started already; return whether this call did.

    StartExecution with the name of a running execution and the same input answers as if it had started it; with
    another input, or after its end, it refuses the name for 90 days. Either way, it is started.
    """
    with absence(EXECUTION_EXISTS):
        platform("stepfunctions").start_execution(
            stateMachineArn=machine_arn, name=name, input=json.dumps(document, sort_keys=True)
        )
        return True
    return False


def is_started(machine_arn: str, name: str) -> bool:
    """Return whether an execution of this name was started, in the last 90 days; of one that was started just now,
    Step Functions may not know yet (API reference, DescribeExecution: "eventually consistent").
    """
    with absence(ABSENT_EXECUTION):
        platform("stepfunctions").describe_execution(executionArn=_execution_arn(machine_arn, name))
        return True
    return False


def wake(token: str) -> None:
    """Let an execution go on that waits for a task token; one that waits no longer needs nothing."""
    with absence(TASK_OVER):
        platform("stepfunctions").send_task_success(taskToken=token, output="{}")


def ended_as(machine_arn: str, status: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the names and inputs of the newest executions that ended with a status, such as `ABORTED`."""
    client = platform("stepfunctions")
    for execution in client.list_executions(stateMachineArn=machine_arn, statusFilter=status, maxResults=100)[
        "executions"
    ]:
        started_with = client.describe_execution(executionArn=execution["executionArn"])["input"]
        yield execution["name"], json.loads(started_with)


def stop(machine_arn: str, name: str) -> str:
    """Stop an execution if it runs, and return its new status: `ABORTED`, how it had ended, or `ABSENT`."""
    client = platform("stepfunctions")
    arn = _execution_arn(machine_arn, name)
    with absence(ABSENT_EXECUTION):
        with absence(INVALID):  # what has ended: AWS documents no answer for it, emulators refuse it
            client.stop_execution(
                executionArn=arn, error="ExecutionStopped", cause="the tenant or the model is removed"
            )
        status: str = client.describe_execution(executionArn=arn)["status"]
        return status
    return "ABSENT"


def _execution_arn(machine_arn: str, name: str) -> str:
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
