"""What `aws cloudformation deploy` does: one change set, executed, and the stack's outputs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackEventTypeDef, StackTypeDef

CAPABILITIES: Sequence[CapabilityType] = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_SHORTEST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.1, 5.0


class StackFailed(Exception):
    """The stack did not reach its new state; the message names the resources that failed and why."""


def deploy(
    cloudformation: CloudFormationClient,
    stack_name: str,
    template: str,
    parameters: Mapping[str, str] | None = None,
    capabilities: Sequence[CapabilityType] = CAPABILITIES,
    *,
    timeout_seconds: float = 120,
) -> dict[str, str]:
    """Create or update a stack, wait for it, and return its outputs. Without changes, nothing happens.

    `template` is the text of a small template, or the https address in S3 of one beyond 51,200 bytes. An
    omitted parameter keeps its value, or has its default on creation.

    Raises:
        StackFailed: the change set or a resource failed, or the stack took longer than `timeout_seconds`.
    """
    waiting = _Waiting(stack_name, timeout_seconds)
    stack = _stack(cloudformation, stack_name)
    if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":  # a change set was made and never executed
        stack = None
    change_set = cloudformation.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"deploy-{uuid.uuid4().hex}",
        ChangeSetType="UPDATE" if stack else "CREATE",
        **_named(template),
        Parameters=_parameters(cloudformation, template, parameters or {}, stack),
        Capabilities=list(capabilities),
    )["Id"]
    change = cloudformation.describe_change_set(ChangeSetName=change_set)
    while change["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
        waiting.pause()
        change = cloudformation.describe_change_set(ChangeSetName=change_set)
    if change["Status"] == "FAILED":
        reason = change.get("StatusReason", "no reason given")
        if stack and ("didn't contain changes" in reason or "No updates are to be performed" in reason):
            cloudformation.delete_change_set(ChangeSetName=change_set)
            return _outputs(stack)
        raise StackFailed(f"{stack_name}: {reason}")
    earlier = {event["EventId"] for event in _events(cloudformation, stack_name)}
    cloudformation.execute_change_set(ChangeSetName=change_set)
    return _outputs(_finished(cloudformation, stack_name, earlier, waiting))


def _finished(
    cloudformation: CloudFormationClient, stack_name: str, earlier: set[str], waiting: _Waiting
) -> StackTypeDef:
    while True:
        stack = _stack(cloudformation, stack_name)
        status = stack["StackStatus"] if stack else "DELETED"
        if stack and status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return stack
        if not status.endswith("_IN_PROGRESS"):
            reasons = [
                f"{event['LogicalResourceId']} ({event.get('ResourceType')}): {event.get('ResourceStatusReason')}"
                for event in reversed(_events(cloudformation, stack_name))
                if event["EventId"] not in earlier and event.get("ResourceStatus", "").endswith("_FAILED")
            ]
            raise StackFailed("\n  ".join([f"{stack_name} is {status}", *reasons]))
        waiting.pause()


def _parameters(
    cloudformation: CloudFormationClient, template: str, values: Mapping[str, str], stack: StackTypeDef | None
) -> list[ParameterTypeDef]:
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
    ]
    if stack:
        has_value = {parameter["ParameterKey"] for parameter in stack.get("Parameters", [])} - values.keys()
        declared = cloudformation.get_template_summary(**_named(template)).get("Parameters", [])
        still_declared = has_value & {parameter["ParameterKey"] for parameter in declared}
        parameters += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(still_declared)]
    return parameters


def _named(template: str) -> dict[str, Any]:
    return {"TemplateURL" if template.startswith("https://") else "TemplateBody": template}


def _stack(cloudformation: CloudFormationClient, stack_name: str) -> StackTypeDef | None:
    try:
        return cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        # CloudFormation has no separate code for a stack that does not exist.
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def _events(cloudformation: CloudFormationClient, stack_name: str) -> list[StackEventTypeDef]:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    return [event for page in pages for event in page["StackEvents"]]


def _outputs(stack: StackTypeDef) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


class _Waiting:
    """Pauses for a tenth of what was waited so far: AWS throttles whoever asks ten times a second for minutes."""

    def __init__(self, stack_name: str, timeout_seconds: float) -> None:
        self._stack_name = stack_name
        self._began = time.monotonic()
        self._timeout_seconds = timeout_seconds

    def pause(self) -> None:
        waited = time.monotonic() - self._began
        if waited > self._timeout_seconds:
            raise StackFailed(f"{self._stack_name} is still being deployed after {self._timeout_seconds:.0f} s")
        time.sleep(min(max(waited / 10, _SHORTEST_POLL_SECONDS), _LONGEST_POLL_SECONDS))
