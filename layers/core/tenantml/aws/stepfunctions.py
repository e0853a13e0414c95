"""Executions of the training state machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import ABSENT_EXECUTION, EXECUTION_EXISTS, absence
from tenantml.settings import setting


def start(name: str, upload: dict[str, Any]) -> bool:
    """Start the execution of an upload unless it is started already; return whether this call did.

    StartExecution with the name of a running execution and the same input answers as if it had started it; with
    another input, or after its end, it refuses the name for 90 days. Either way, it is started.
    """
    with absence(EXECUTION_EXISTS):
        platform("stepfunctions").start_execution(
            stateMachineArn=setting("TRAINING_STATE_MACHINE"), name=name, input=json.dumps(upload, sort_keys=True)
        )
        return True
    return False


def ended_as(status: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the names and inputs of the newest executions that ended as `ABORTED` or `TIMED_OUT`."""
    client = platform("stepfunctions")
    for execution in client.list_executions(
        stateMachineArn=setting("TRAINING_STATE_MACHINE"), statusFilter=status, maxResults=100
    )["executions"]:
        started_with = client.describe_execution(executionArn=execution["executionArn"])["input"]
        yield execution["name"], json.loads(started_with)


def stop(name: str) -> str:
    """Stop an execution if it runs, and return its new status: `ABORTED`, how it had ended, or `ABSENT`."""
    client = platform("stepfunctions")
    machine_arn = setting("TRAINING_STATE_MACHINE")
    arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    with absence(ABSENT_EXECUTION):
        client.stop_execution(executionArn=arn, error="ExecutionStopped", cause="the tenant or the model is removed")
        status: str = client.describe_execution(executionArn=arn)["status"]
        return status
    return "ABSENT"
