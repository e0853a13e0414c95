"""Nested executions, and the names of failures of EventBridge and DynamoDB."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.contract.patches.test_stepfunctions import End, Start, machine
from tests.waiting import PATIENCE_SECONDS

# localstack tests/aws/services/stepfunctions/v2/callback/test_callback.snapshot.json (test_start_execution_sync2,
# test_start_execution_sync_delegate_failure), error_handling/test_task_service_{sfn,dynamodb}.snapshot.json
# and services/test_events_task_service.snapshot.json, recorded on AWS.
# That a job is aborted with its task: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
START = "arn:aws:states:::states:startExecution"
Make = Callable[..., str]


@pytest.fixture(scope="module")
def make_machine(cloud: EmbeddedCloud, unique: Callable[[str], str], make_role: Any) -> Make:
    """The ARN of a JSONata machine that nobody has started."""
    role = make_role({"Effect": "Allow", "Action": "*", "Resource": "*"})

    def make(**states: Any) -> str:
        definition = json.dumps({"QueryLanguage": "JSONata", **machine(**states)})
        made = cloud.client("stepfunctions").create_state_machine(
            name=unique("child"), roleArn=role.arn, definition=definition
        )
        return str(made["stateMachineArn"])

    return make


def call(resource: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return machine(Call={"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more})


def execution_of(machine_arn: str, name: str) -> str:
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def test_a_child_that_is_only_started_lives_on_its_own(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_machine: Make
) -> None:
    wait = {"Type": "Wait", "Seconds": 50, "Next": "Answer"}
    child = make_machine(Wait=wait, Answer={"Type": "Pass", "Output": 1, "End": True})
    arguments = {"StateMachineArn": child, "Name": "child", "Input": {"a": 1}}
    output = end_of(start_machine(call(START, arguments)))["output"]
    assert output["ExecutionArn"] == execution_of(child, "child")
    described = cloud.client("stepfunctions").describe_execution(executionArn=output["ExecutionArn"])
    assert (described["status"], json.loads(described["input"])) == ("RUNNING", {"a": 1})
    assert end_of(output["ExecutionArn"])["output"] == 1


def test_a_jobs_result_is_its_description(start_machine: Start, end_of: End, make_machine: Make) -> None:
    child = make_machine(Answer={"Type": "Pass", "Output": {"b": "{% $states.input.a + 1 %}"}, "End": True})
    arguments = {"StateMachineArn": child, "Name": "job", "Input": {"a": 1}}
    results = {}
    for form in ("sync", "sync:2"):
        results[form] = end_of(start_machine(call(f"{START}.{form}", arguments | {"Name": form[:5].replace(":", "-")})))
    parsed, text = results["sync:2"]["output"], results["sync"]["output"]
    assert (parsed["Status"], parsed["Input"], parsed["Output"]) == ("SUCCEEDED", {"a": 1}, {"b": 2})
    assert (text["Input"], text["Output"]) == ('{"a": 1}', '{"b": 2}')
    assert parsed.keys() == {
        "ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "StartDate", "StateMachineArn",
        "Status", "StopDate",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["sync", "sync:2"])
def test_a_jobs_failure_is_a_failed_task_with_its_description(
    start_machine: Start, end_of: End, make_machine: Make, form: str
) -> None:
    child = make_machine(Fail={"Type": "Fail", "Error": "SomeFailure", "Cause": "on purpose"})
    by_its_own_name = {"ErrorEquals": ["SomeFailure"], "Next": "Wrong"}
    output = "{% $parse($states.errorOutput.Cause) %}"
    by_name = {"ErrorEquals": ["States.TaskFailed"], "Output": output, "Next": "Right"}
    definition = call(f"{START}.{form}", {"StateMachineArn": child, "Name": "job"}, Catch=[by_its_own_name, by_name])
    definition["States"] |= {"Wrong": {"Type": "Fail", "Error": "Wrong"}, "Right": {"Type": "Succeed"}}
    cause = end_of(start_machine(definition))["output"]
    assert (cause["Error"], cause["Cause"], cause["Status"]) == ("SomeFailure", "on purpose", "FAILED")
    assert (cause["ExecutionArn"], cause["Name"]) == (execution_of(child, "job"), "job")


def test_a_job_stops_when_its_parent_stops_or_no_longer_waits(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_machine: Make
) -> None:
    states = cloud.client("stepfunctions")
    child = make_machine(Wait={"Type": "Wait", "Seconds": 10_000, "End": True})

    def await_start(name: str) -> str:
        deadline, child_arn = time.monotonic() + PATIENCE_SECONDS, execution_of(child, name)
        while name not in {row["name"] for row in states.list_executions(stateMachineArn=child)["executions"]}:
            assert time.monotonic() < deadline, name
            time.sleep(0.02)
        return child_arn

    parent = start_machine(call(f"{START}.sync:2", {"StateMachineArn": child, "Name": "stopped"}))
    child_arn = await_start("stopped")
    states.stop_execution(executionArn=parent)
    assert end_of(child_arn)["status"] == "ABORTED"

    late = call(f"{START}.sync:2", {"StateMachineArn": child, "Name": "late"}, TimeoutSeconds=1)
    assert end_of(start_machine(late))["error"] == "States.Timeout"
    assert end_of(await_start("late"))["status"] == "ABORTED"


@pytest.mark.parametrize("form", ["", ".sync:2"])
def test_a_child_that_cannot_be_started_has_a_name(
    start_machine: Start, end_of: End, make_machine: Make, form: str
) -> None:
    child = make_machine(Done={"Type": "Succeed"})
    arguments = {"StateMachineArn": child, "Name": "once"}
    end_of(start_machine(call(START + form, arguments)))
    end_of(execution_of(child, "once"))
    again = end_of(start_machine(call(START + form, arguments)))
    assert again["error"] == "StepFunctions.ExecutionAlreadyExistsException"
    origin = "(Service: AWSStepFunctions; Status Code: 400; Error Code: "
    assert again["cause"].startswith(f"Execution Already Exists: '{execution_of(child, 'once')}' {origin}")
    nowhere = f"{child}-nowhere"
    missing = end_of(start_machine(call(START + form, {"StateMachineArn": nowhere})))
    assert missing["error"] == "StepFunctions.StateMachineDoesNotExistException"
    assert missing["cause"].startswith(f"State Machine Does Not Exist: '{nowhere}' {origin}")


def test_an_event_that_fails_makes_the_task_fail_and_the_others_are_sent(
    start_machine: Start, end_of: End, make_event_queue: Any
) -> None:
    next_event = make_event_queue({"source": ["some.source"]})
    good = {"Source": "some.source", "DetailType": "kind", "Detail": {"Message": "one"}}
    bad = {"Source": "some.source", "DetailType": "kind", "Detail": '"text"'}
    ended = end_of(start_machine(call("arn:aws:states:::events:putEvents", {"Entries": [good, bad]})))
    assert (ended["status"], ended["error"]) == ("FAILED", "EventBridge.FailedEntry")
    cause = json.loads(ended["cause"])
    assert cause["FailedEntryCount"] == 1
    assert cause["Entries"][1] == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert next_event()["detail"] == {"Message": "one"}


def test_dynamodbs_errors_have_their_names(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, unique: Callable[[str], str]
) -> None:
    table, attributes = unique("table"), [{"AttributeName": "id", "AttributeType": "S"}]
    keys: dict[str, Any] = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    cloud.client("dynamodb").create_table(TableName=table, AttributeDefinitions=attributes, **keys)

    def ended(name: str, key: dict[str, Any]) -> Any:
        return end_of(start_machine(call("arn:aws:states:::dynamodb:getItem", {"TableName": name, "Key": key})))

    invalid, missing = ended(table, {}), ended("nowhere", {"id": {"S": "1"}})
    assert (invalid["status"], invalid["error"]) == ("FAILED", "DynamoDB.AmazonDynamoDBException")
    assert "(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; " in invalid["cause"]
    assert (missing["status"], missing["error"]) == ("FAILED", "DynamoDB.ResourceNotFoundException")
