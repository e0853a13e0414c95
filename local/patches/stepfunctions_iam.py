"""Step Functions: a state machine's tasks have the permissions of its role, no more."""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Iterator
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, stepfunctions

from local.patches import iam_decisions
from local.patches.emulator import wrap

_session_arn: contextvars.ContextVar[str] = contextvars.ContextVar("state_machine_session", default="")

# The optimised Lambda and DynamoDB integrations name a refusal after the SDK's base exception.
_REFUSALS = {"lambda": "Lambda.AWSLambdaException", "dynamodb": "DynamoDB.AmazonDynamoDBException"}
_NAMESPACES = {"eventbridge": "events", "sfn": "states"}


def apply() -> None:
    """Evaluate the machine's role before each call of a task."""
    wrap(stepfunctions, "_run_execution", "996dff84e0e0", _as_the_role)
    wrap(stepfunctions, "_invoke_resource", "a85d2be9a858", _if_allowed)


def _as_the_role(run: Any) -> Any:
    @functools.wraps(run)
    def running(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn", "")) or {}
        role_arn = str(machine.get("roleArn", ""))
        if ":role/" in role_arn:
            account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
            _session_arn.set(f"arn:aws:sts::{account}:assumed-role/{name}/{execution['name']}"[:250])
        run(execution_arn)

    return running


def _if_allowed(invoke: Any) -> Any:
    @functools.wraps(invoke)
    def invoking(resource: str, arguments: Any) -> Any:
        session_arn = _session_arn.get()
        for action, resource_arn in _permissions(resource, arguments) if session_arn else ():
            if not _allows(session_arn, action, resource_arn):
                iam_decisions.refused(session_arn, action, resource_arn)
                service = action.partition(":")[0]
                cause = _sentence(action, session_arn, resource_arn)
                raise stepfunctions._ExecutionError(
                    _REFUSALS.get(service, f"{service.title()}.AccessDeniedException"), cause
                )
        return invoke(resource, arguments)

    return invoking


def _sentence(action: str, session_arn: str, resource_arn: str) -> str:
    """IAM's sentence for a permission that no policy gives."""
    return (
        f"User: {session_arn} is not authorized to perform: {action} on resource: {resource_arn} because no "
        f"identity-based policy allows the {action} action"
    )


def _allows(session_arn: str, action: str, resource_arn: str) -> bool:
    account, name = session_arn.split(":")[4], session_arn.split("/")[1]
    context = iam_evaluator.EvalContext(
        principal_arn=session_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    return bool(iam_evaluator.evaluate(context, policies, *limits).decision == "Allow")


def _permissions(resource: str, arguments: Any) -> Iterator[tuple[str, str]]:
    """The actions that a task's resource performs, on what; nothing for an integration that we do not use."""
    arguments = arguments if isinstance(arguments, dict) else {}
    integration = resource.partition(":states:::")[2].replace("aws-sdk:", "").split(".")[0]
    if resource.startswith("arn:aws:lambda:"):
        yield "lambda:InvokeFunction", _arn("lambda", resource)
        return
    service, _, call = integration.partition(":")
    namespace = _NAMESPACES.get(service, service)
    action = f"{namespace}:{call[:1].upper()}{call[1:]}"
    match namespace:
        case "lambda" if call == "invoke":
            yield "lambda:InvokeFunction", _arn("lambda", arguments.get("FunctionName", ""), "function:")
        case "dynamodb":
            yield action, _arn("dynamodb", arguments.get("TableName", ""), "table/")
        case "sns":
            yield action, arguments.get("TopicArn", "*")
        case "sqs":
            yield action, _arn("sqs", arguments.get("QueueUrl", "").rsplit("/", 1)[-1])
        case "states":
            yield action, arguments.get("StateMachineArn", "*")
        case "events" if call == "putEvents":
            for bus in {entry.get("EventBusName", "default") for entry in arguments.get("Entries", [])}:
                yield action, _arn("events", bus, "event-bus/")
        case "s3" if call in ("getObject", "putObject", "deleteObject"):
            yield action, f"arn:aws:s3:::{arguments.get('Bucket')}/{arguments.get('Key')}"


def _arn(service: str, named: str, kind: str = "") -> str:
    return named if named.startswith("arn:") else f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}{named}"
