"""Step Functions: a state machine's tasks have the permissions of its role, no more; a token is its machine's."""

from __future__ import annotations

import contextvars
import functools
import json
from collections.abc import Iterator
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import iam, stepfunctions
from ministack.services.cloudformation import provisioners

from local.patches import iam_decisions
from local.patches.emulator import wrap
from local.patches.stepfunctions_definitions import MACHINE

_machine_arns: dict[str, str] = {}  # by task token
_machine_arn: contextvars.ContextVar[str] = contextvars.ContextVar("state_machine", default="")
_session_arn: contextvars.ContextVar[str] = contextvars.ContextVar("state_machine_session", default="")

# The optimised integrations name a refusal after the SDK's base exception.
_REFUSALS: Final = {
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "events": "EventBridge.AmazonEventBridgeException",
    "lambda": "Lambda.AWSLambdaException",
    "sns": "SNS.AmazonSNSException",
    "sqs": "SQS.AmazonSQSException",
    "states": "StepFunctions.AWSStepFunctionsException",
}
_UNKNOWN: Final = "local/patches/stepfunctions_iam.py does not know which permission {} needs: add it"
_JOB: Final = "arn:aws:states:::states:startExecution.sync"
_MANAGED_RULE: Final = "StepFunctionsGetEventsForStepFunctionsExecutionRule"


def apply() -> None:
    """Evaluate the machine's role before each call of a task, and before a machine is created that runs jobs; whoever
    answers a task's token needs the permission on the machine.

    The service authorization reference has no resource for SendTask*, but AWS refuses them on the ARN of the machine:
    github.com/NOAA-OWP/hydrovis/issues/837 quotes it, and grantTaskResponse of aws-cdk-lib grants them on it.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html, "IAM policies for calling nested
    Step Functions workflows"
    """
    wrap(stepfunctions, "_run_execution", "996dff84e0e0", _as_the_role)
    wrap(stepfunctions, "_invoke_resource", "a85d2be9a858", _if_allowed)
    wrap(stepfunctions, "_invoke_with_callback", "bbb38423156a", _with_the_machine_of_its_token)
    wrap(iam_actions, "extract_resource_arn", "82f51700695c", _machine_of_a_token)
    wrap(stepfunctions, "_create_state_machine", "4bc1231dda69", _if_jobs_are_allowed)
    wrap(stepfunctions, "_update_state_machine", "476e0deee6a3", _if_jobs_are_allowed)
    wrap(provisioners, "_sfn_state_machine_create", "d2ffde42cb0e", _if_jobs_of_a_stack_are_allowed)
    provisioners._RESOURCE_HANDLERS[MACHINE]["create"] = provisioners._sfn_state_machine_create


def _as_the_role(run: Any) -> Any:
    @functools.wraps(run)
    def running(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn", "")) or {}
        _machine_arn.set(execution.get("stateMachineArn", ""))
        if ":role/" in machine.get("roleArn", ""):
            _session_arn.set(_session(machine["roleArn"], execution["name"]))
        run(execution_arn)

    return running


def _with_the_machine_of_its_token(invoke: Any) -> Any:
    @functools.wraps(invoke)
    def invoking(resource: str, arguments: Any, token: str, state: dict[str, Any]) -> Any:
        _machine_arns[token] = _machine_arn.get()
        return invoke(resource, arguments, token, state)

    return invoking


def _machine_of_a_token(extract: Any) -> Any:
    @functools.wraps(extract)
    def extracting(service: str, method: str, path: str, headers: Any, body: bytes, *more: Any) -> str:
        if service == "states" and ".SendTask" in headers.get("x-amz-target", ""):
            return _machine_arns.get(json.loads(body).get("taskToken", ""), "*")
        found: str = extract(service, method, path, headers, body, *more)
        return found

    return extracting


def _session(role_arn: str, name: str) -> str:
    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    return f"arn:aws:sts::{account}:assumed-role/{role}/{name}"[:250]


def _if_allowed(invoke: Any) -> Any:
    @functools.wraps(invoke)
    def invoking(resource: str, arguments: Any) -> Any:
        session_arn = _session_arn.get()
        for action, resource_arn in _permissions(resource, arguments) if session_arn else ():
            if not _allows(session_arn, action, resource_arn):
                iam_decisions.refused(session_arn, action, resource_arn)
                name = _REFUSALS[action.partition(":")[0]]
                raise stepfunctions._ExecutionError(name, _sentence(session_arn, action, resource_arn))
        return invoke(resource, arguments)

    return invoking


def _permissions(resource: str, arguments: Any) -> Iterator[tuple[str, str]]:
    """The actions that a task's resource performs, each on its resource's ARN."""
    match resource.removeprefix("arn:aws:states:::").partition(".")[0].split(":"):
        case ["lambda", "invoke"]:
            yield "lambda:InvokeFunction", _arn("lambda", arguments["FunctionName"], "function:")
        case ["dynamodb", "getItem" | "putItem" | "updateItem" | "deleteItem" as call]:
            yield f"dynamodb:{call[0].upper()}{call[1:]}", _arn("dynamodb", arguments["TableName"], "table/")
        case ["events", "putEvents"]:
            for bus in {entry.get("EventBusName", "default") for entry in arguments["Entries"]}:
                yield "events:PutEvents", _arn("events", bus, "event-bus/")
        case ["sns", "publish"]:
            yield "sns:Publish", arguments.get("TopicArn", "*")
        case ["sqs", "sendMessage"]:
            yield "sqs:SendMessage", _arn("sqs", arguments["QueueUrl"].rsplit("/", 1)[-1])
        case ["states", "startExecution"]:
            machine_arn = arguments["StateMachineArn"]
            yield "states:StartExecution", machine_arn
            if resource.startswith(_JOB):
                executions = f"{machine_arn.replace(':stateMachine:', ':execution:')}:*"
                # AWS asks for the second only when the child is to be stopped, and leaves it running without.
                yield from (("states:DescribeExecution", executions), ("states:StopExecution", executions))
        case _:
            raise stepfunctions._ExecutionError("States.Runtime", _UNKNOWN.format(resource))


def _arn(service: str, named: str, kind: str = "") -> str:
    return named if named.startswith("arn:") else f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}{named}"


def _may_run_jobs(role_arn: str, definition: str) -> bool:
    """A nested job ends by an event, for which Step Functions makes a rule with the permissions of the role."""
    if _JOB not in definition or ":role/" not in role_arn:
        return True
    rule_arn = _arn("events", _MANAGED_RULE, "rule/")
    actions = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
    return all(_allows(_session(role_arn, "create"), action, rule_arn) for action in actions)


def _no_managed_rule(role_arn: str) -> str:
    return f"'{role_arn}' is not authorized to create managed-rule."


def _if_jobs_are_allowed(write: Any) -> Any:
    @functools.wraps(write)
    def writing(request: dict[str, Any]) -> Any:
        before = stepfunctions._state_machines.get(request.get("stateMachineArn", "")) or {}
        machine = before | {key: request[key] for key in ("roleArn", "definition") if key in request}
        role_arn = machine.get("roleArn", "")
        if not _may_run_jobs(role_arn, machine.get("definition", "")):
            return error_response_json("AccessDeniedException", _no_managed_rule(role_arn), 400)
        return write(request)

    return writing


def _if_jobs_of_a_stack_are_allowed(create: Any) -> Any:
    @functools.wraps(create)
    def creating(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        role_arn = properties.get("RoleArn", "")
        if not _may_run_jobs(role_arn, provisioners._sfn_definition(properties)):
            raise provisioners._sfn_handler_error(_no_managed_rule(role_arn))
        return create(logical_id, properties, stack_name)

    return creating


def _sentence(session_arn: str, action: str, resource_arn: str) -> str:
    """IAM's message for a permission that no policy grants."""
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
