"""A task may do what the machine's role allows, on what it allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from local.cloud import EmbeddedCloud


def test_the_role_decides(
    make_function: Callable[[str], str], start_machine: Any, end_of: Any, make_role: Callable[..., Any]
) -> None:
    function_arn, other_arn = (make_function("def handler(event, context): return 1") for _ in range(2))
    arguments = {"FunctionName": function_arn, "Payload": {}}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments, "End": True}
    definition = {"StartAt": "Task", "States": {"Task": state}}
    allow = {"Effect": "Allow", "Action": "lambda:InvokeFunction"}
    ended = end_of(start_machine(definition, role=make_role({**allow, "Resource": function_arn})))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    refused = end_of(start_machine(definition, role=make_role({**allow, "Resource": other_arn})))
    assert (refused["status"], refused["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {function_arn}" in refused["cause"]


# https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html, "IAM policies for calling nested
# Step Functions workflows"; the refusal was seen on AWS: https://github.com/nasa/cumulus/pull/2693.
RULE = "arn:aws:events:us-east-1:111111111111:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
MANAGE = {"Effect": "Allow", "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"], "Resource": RULE}


def nested(machine_arn: str) -> dict[str, Any]:
    arguments = {"StateMachineArn": machine_arn, "Name": "child"}
    resource = "arn:aws:states:::states:startExecution.sync:2"
    state = {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}
    return {"StartAt": "Task", "States": {"Task": state}}


def test_a_nested_job_needs_the_start_the_look_and_the_stop_of_its_child(
    start_machine: Any, end_of: Any, make_role: Callable[..., Any]
) -> None:
    child = start_machine({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    machine_arn = child.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine_arn}
    executions = f"{child.rpartition(':')[0]}:*"
    watch = {"Effect": "Allow", "Action": ["states:DescribeExecution", "states:StopExecution"], "Resource": executions}
    refused = end_of(start_machine(nested(machine_arn), role=make_role(start, MANAGE)))
    assert (refused["status"], refused["error"]) == ("FAILED", "StepFunctions.AWSStepFunctionsException")
    assert f"is not authorized to perform: states:DescribeExecution on resource: {executions}" in refused["cause"]
    ended = end_of(start_machine(nested(machine_arn), role=make_role(start, watch, MANAGE)))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")


def test_a_machine_with_nested_jobs_needs_the_rule_by_which_they_end(
    cloud: EmbeddedCloud, start_machine: Any, make_role: Callable[..., Any], unique: Callable[[str], str], code_of: Any
) -> None:
    definition = nested("arn:aws:states:us-east-1:111111111111:stateMachine:child")
    role = make_role(MANAGE | {"Action": ["events:PutTargets", "events:PutRule"]})
    assert code_of(start_machine, definition, role=role) == "AccessDeniedException"
    assert code_of.message == f"'{role.arn}' is not authorized to create managed-rule."

    properties = {"RoleArn": role.arn, "DefinitionString": json.dumps({"QueryLanguage": "JSONata", **definition})}
    template = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    stacks, stack = cloud.client("cloudformation"), unique("stack")
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    with pytest.raises(WaiterError):
        stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    assert any("is not authorized to create managed-rule" in event.get("ResourceStatusReason", "") for event in events)


def test_a_task_whose_permission_is_not_known_fails_and_says_so(start_machine: Any, end_of: Any) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun", "Arguments": {}, "End": True}
    ended = end_of(start_machine({"StartAt": "Task", "States": {"Task": state}}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "does not know which permission arn:aws:states:::glue:startJobRun needs" in ended["cause"]
