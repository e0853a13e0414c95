"""What CreateStateMachine, UpdateStateMachine and a stack refuse of a definition."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from local.cloud import EmbeddedCloud

PASS = {"Type": "Pass", "End": True}
FLOCI = "https://github.com/floci-io/floci/issues/"  # measured with ValidateStateMachineDefinition on AWS
LOCALSTACK = "https://github.com/localstack/localstack/issues/"
RECORDED = "localstack tests/aws/services/stepfunctions/v2/test_sfn_api_validation.snapshot.json"


def states(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


def jsonata(**named: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", **states(**named)}


MAP = {"Type": "Map", "End": True, "ItemProcessor": states(P=PASS | {"Output": 1})}
TARGET, SCHEMA = "MISSING_TRANSITION_TARGET", "SCHEMA_VALIDATION_FAILED"
ONLY = "The QueryLanguage is set to '{}', but field '{}' is only supported for the '{}' QueryLanguage"
JSONPATH_IN_JSONATA = ONLY.format("JSONata", "InputPath", "JSONPath")
JSONATA_IN_JSONPATH = ONLY.format("JSONPath", "Output", "JSONata")
DOWNGRADE = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"

# What -> the definition, what AWS finds (code, message, location), and where that was seen.
REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str, str | None]], str]] = {
    "unknown Next, unreachable state": (
        states(A={"Type": "Pass", "Next": "C"}, B=PASS),
        [(TARGET, "Missing 'Next' target: C", "/States/A/Next"), (TARGET, 'State "B" is not reachable.', "/States/B")],
        f"{LOCALSTACK}11978",
    ),
    "unknown StartAt": (
        {"StartAt": "B", "States": {"A": PASS}},
        [(TARGET, "Missing 'Next' target: B", "/StartAt"), (TARGET, 'State "A" is not reachable.', "/States/A")],
        "https://github.com/aws-cloudformation/cfn-lint/issues/4074",
    ),
    "no end": (
        states(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
        [("MISSING_END_STATE", "Workflow has no terminal state", None)],
        f"{FLOCI}2735",
    ),
    "unknown Default": (
        jsonata(A={"Type": "Choice", "Choices": [{"Condition": True, "Next": "B"}], "Default": "C"}, B=PASS),
        [(TARGET, "Missing 'Next' target: C", "/States/A/Default")],
        "https://github.com/floci-io/floci/pull/2786",
    ),
    "a JSONPath field in JSONata": (
        jsonata(A=PASS | {"InputPath": "$"}),
        [(SCHEMA, JSONPATH_IN_JSONATA, "/States/A")],
        "https://github.com/floci-io/floci/pull/2972",
    ),
    "a JSONata field in JSONPath": (
        states(A=PASS | {"Output": 1}),
        [(SCHEMA, JSONATA_IN_JSONPATH, "/States/A")],
        f"{FLOCI}2968",
    ),
    "a Map's language is not its states'": (
        states(M=MAP | {"QueryLanguage": "JSONata"}),
        [(SCHEMA, JSONATA_IN_JSONPATH, "/States/M/ItemProcessor/States/P")],
        f"{FLOCI}2968",
    ),
    "a downgraded language": (
        jsonata(A=PASS | {"QueryLanguage": "JSONPath"}),
        [(SCHEMA, DOWNGRADE, "/States/A")],
        RECORDED,
    ),
    "a time limit of a Map": (
        states(M=MAP | {"TimeoutSeconds": 1, "ItemProcessor": states(P=PASS)}),
        [(SCHEMA, "Field 'TimeoutSeconds' is not supported", "/States/M")],
        f"{FLOCI}2735",
    ),
    "no StartAt": ({"States": {"A": PASS}}, [(SCHEMA, "These fields are required: [StartAt]", "/")], RECORDED),
    "nothing": ({}, [(SCHEMA, "These fields are required: [States, StartAt]", "/")], RECORDED),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_definition_is_refused_in_the_words_of_aws(
    cloud: EmbeddedCloud, unique: Callable[[str], str], make_role: Any, code_of: Any, what: str
) -> None:
    definition, found, _source = REFUSED[what]
    client, text = cloud.client("stepfunctions"), json.dumps(definition)
    answer = client.validate_state_machine_definition(definition=text)
    assert answer["result"] == "FAIL"
    assert [(d["code"], d["message"], d.get("location")) for d in answer["diagnostics"]] == found
    refused = code_of(client.create_state_machine, name=unique("refused"), roleArn=make_role().arn, definition=text)
    assert refused == "InvalidDefinition"
    listed = ", ".join(f"{code}: {message} at {location or 'null'}" for code, message, location in found)
    assert code_of.message == f"Invalid State Machine Definition: '{listed}'"


def test_an_update_and_a_stack_are_refused_too(
    cloud: EmbeddedCloud, unique: Callable[[str], str], make_role: Any, code_of: Any
) -> None:
    role_arn, client, stacks = make_role().arn, cloud.client("stepfunctions"), cloud.client("cloudformation")
    machine_arn = client.create_state_machine(
        name=unique("machine"), roleArn=role_arn, definition=json.dumps(states(A=PASS))
    )["stateMachineArn"]
    invalid = json.dumps(states(A={"Type": "Pass", "Next": "B"}, C=PASS))
    refused = code_of(client.update_state_machine, stateMachineArn=machine_arn, definition=invalid)
    assert refused == "InvalidDefinition"

    properties = {"RoleArn": role_arn, "DefinitionString": invalid}
    template = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    stack = unique("stack")
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")
    with pytest.raises(WaiterError):
        stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    found = "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next"
    assert any(found in event.get("ResourceStatusReason", "") for event in events)


@pytest.mark.parametrize("file", ["offboarding", "rescue", "training"])
def test_our_definitions_have_nothing_to_refuse(cloud: EmbeddedCloud, repository: Path, file: str) -> None:
    definition = (repository / f"statemachine/{file}.asl.json").read_text()
    answer = cloud.client("stepfunctions").validate_state_machine_definition(definition=definition)
    assert (answer["result"], answer["diagnostics"]) == ("OK", [])
