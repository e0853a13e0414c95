"""A task may do what the machine's role allows, on what it allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local import SAAS_ACCOUNT
from local.cloud import EmbeddedCloud

_ARN = "arn:aws:{}:us-east-1:" + SAAS_ACCOUNT + ":{}"
_INTEGRATIONS = {
    "function": ("lambda:InvokeFunction", "lambda", "arn:aws:states:::lambda:invoke"),
    "table": ("dynamodb:PutItem", "dynamodb", "arn:aws:states:::dynamodb:putItem"),
    "table by SDK": ("dynamodb:PutItem", "dynamodb", "arn:aws:states:::aws-sdk:dynamodb:putItem"),
    "topic": ("sns:Publish", "sns", "arn:aws:states:::sns:publish"),
    "bus": ("events:PutEvents", "events", "arn:aws:states:::events:putEvents"),
}


@pytest.fixture(scope="module")
def targets(cloud: EmbeddedCloud, make_function: Callable[[str], str], unique: Callable[[str], str]) -> dict[str, Any]:
    """Per integration the resource's ARN and the task's arguments."""
    function, table = make_function("def handler(event, context): return 1"), unique("table")
    cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    topic = cloud.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    put = (_ARN.format("dynamodb", f"table/{table}"), {"TableName": table, "Item": {"pk": {"S": "1"}}})
    event = {"Source": "contract", "DetailType": "contract", "Detail": {}, "EventBusName": "default"}
    return {
        "function": (function, {"FunctionName": function, "Payload": {}}),
        "table": put,
        "table by SDK": put,
        "topic": (topic, {"TopicArn": topic, "Message": "text"}),
        "bus": (_ARN.format("events", "event-bus/default"), {"Entries": [event]}),
    }


@pytest.mark.parametrize("integration", _INTEGRATIONS)
def test_the_role_decides(
    integration: str, targets: dict[str, Any], start_machine: Any, end_of: Any, make_role: Callable[..., Any]
) -> None:
    action, service, resource = _INTEGRATIONS[integration]
    resource_arn, arguments = targets[integration]
    state = {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}
    definition = {"StartAt": "Task", "States": {"Task": state}}
    allowed = make_role({"Effect": "Allow", "Action": action, "Resource": resource_arn})
    ended = end_of(start_machine(definition, role=allowed))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    elsewhere = make_role({"Effect": "Allow", "Action": action, "Resource": _ARN.format(service, "another")})
    refused = end_of(start_machine(definition, role=elsewhere))
    assert refused["status"] == "FAILED"
    assert f"is not authorized to perform: {action} on resource: {resource_arn}" in refused["cause"]
