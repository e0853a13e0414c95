"""Step Functions: a state machine's tasks have the permissions of its role, no more."""

from __future__ import annotations

import contextvars
import functools
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import iam, stepfunctions

from local.patches import iam_decisions
from local.patches.emulator import wrap

_session_arn: contextvars.ContextVar[str] = contextvars.ContextVar("state_machine_session", default="")

_INVOKE, _ACTION = "arn:aws:states:::lambda:invoke", "lambda:InvokeFunction"
_UNKNOWN = "local/patches/stepfunctions_iam.py does not know which permission {} needs: add it"


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
        if session_arn := _session_arn.get():
            if resource != _INVOKE:
                raise stepfunctions._ExecutionError("States.Runtime", _UNKNOWN.format(resource))
            function_arn = arguments["FunctionName"]
            if not _allows(session_arn, _ACTION, function_arn):
                iam_decisions.refused(session_arn, _ACTION, function_arn)
                # The optimised integration names a refusal after the SDK's base exception.
                raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", _sentence(session_arn, function_arn))
        return invoke(resource, arguments)

    return invoking


def _sentence(session_arn: str, function_arn: str) -> str:
    """IAM's message for a permission that no policy grants."""
    return (
        f"User: {session_arn} is not authorized to perform: {_ACTION} on resource: {function_arn} because no "
        f"identity-based policy allows the {_ACTION} action"
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
