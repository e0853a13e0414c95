"""Step Functions: a definition that AWS refuses is refused, by the API and by CloudFormation."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ministack.core.responses import json_response
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local.patches.emulator import original, wrap

MACHINE: Final = "AWS::StepFunctions::StateMachine"
TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
FIELDS: Final = {
    "JSONata": ("Arguments", "Items", "Output"),
    "JSONPath": (
        "CausePath",
        "ErrorPath",
        "HeartbeatSecondsPath",
        "InputPath",
        "ItemsPath",
        "MaxConcurrencyPath",
        "OutputPath",
        "Parameters",
        "Result",
        "ResultPath",
        "ResultSelector",
        "SecondsPath",
        "TimeoutSecondsPath",
        "TimestampPath",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    ),
}
FIELDS_OF_TYPES: Final = {
    "Catch": ("Task", "Parallel", "Map"),
    "Retry": ("Task", "Parallel", "Map"),
    "HeartbeatSeconds": ("Task",),
    "TimeoutSeconds": ("Task",),
}


class Problem(NamedTuple):
    """One diagnostic of ValidateStateMachineDefinition; a workflow without an end has no location."""

    code: str
    message: str
    location: str | None


def apply() -> None:
    """Check what CreateStateMachine, UpdateStateMachine and a stack are given, and answer what is wrong.

    The wording is AWS's, as measured in https://github.com/floci-io/floci/issues/2735, /2968,
    https://github.com/localstack/localstack/issues/11978 and LocalStack's recorded test_sfn_api_validation.
    Which fields belong to which language: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    """
    original(provisioners, "_sfn_handler_error", "97d65f9164fd")
    wrap(stepfunctions, "_validate_definition_jsonata", "a5ec092b2c8d", _completely)
    wrap(stepfunctions, "_validate_state_machine_definition", "91730eff8585", _with_diagnostics)
    wrap(provisioners, "_sfn_state_machine_create", "d2ffde42cb0e", _if_valid)
    provisioners._RESOURCE_HANDLERS[MACHINE]["create"] = provisioners._sfn_state_machine_create


def _completely(check: Any) -> Any:
    @functools.wraps(check)
    def checking(text: Any) -> str | None:
        found = [f"{p.code}: {p.message} at {p.location or 'null'}" for p in problems(text)]
        if not found and (invalid := check(text)):
            found = [invalid]
        return f"Invalid State Machine Definition: '{', '.join(found)}'" if found else None

    return checking


def _with_diagnostics(_shipped: Any) -> Any:
    def validating(request: dict[str, Any]) -> Any:
        found = problems(request.get("definition"))
        diagnostics = [
            {"severity": "ERROR"} | {key: value for key, value in problem._asdict().items() if value}
            for problem in found
        ]
        return json_response({"result": "FAIL" if found else "OK", "diagnostics": diagnostics, "truncated": False})

    return validating


def _if_valid(create: Any) -> Any:
    """As shipped, a stack's definition is stored unread."""

    @functools.wraps(create)
    def creating(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        if invalid := stepfunctions._validate_definition_jsonata(provisioners._sfn_definition(properties)):
            raise provisioners._sfn_handler_error(f"{invalid} (Service: Sfn, Status Code: 400)")
        return create(logical_id, properties, stack_name)

    return creating


def problems(text: Any) -> list[Problem]:
    """What AWS finds wrong with a definition, apart from its expressions."""
    try:
        definition = json.loads(text)
    except (TypeError, ValueError) as error:
        return [Problem("INVALID_JSON_DESCRIPTION", str(error), "/")]
    if not isinstance(definition, dict):
        return [_schema("Definition must be a valid JSON object", "/")]
    language = definition.get("QueryLanguage", "JSONPath")
    return [problem for path, part in _containers("", definition) for problem in _of_container(path, part, language)]


def _containers(path: str, part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The definition itself, and what has states of its own inside it."""
    yield path, part
    for name, state in part.get("States", {}).items():
        for index, branch in enumerate(state.get("Branches", [])):
            yield from _containers(f"{path}/States/{name}/Branches[{index}]", branch)
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield from _containers(f"{path}/States/{name}/{field}", state[field])


def _of_container(path: str, part: dict[str, Any], language: str) -> Iterator[Problem]:
    if missing := [field for field in ("States", "StartAt") if field not in part]:
        yield _schema(f"These fields are required: [{', '.join(missing)}]", path or "/")
        return
    states = part["States"]
    for name, state in states.items():
        yield from _of_state(f"{path}/States/{name}", state, language)
    targets = {f"{path}/StartAt": part["StartAt"]}
    for name, state in states.items():
        targets |= {f"{path}/States/{name}/{field}": target for field, target in _transitions(state).items()}
    for location, target in targets.items():
        if target not in states:
            yield Problem("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", location)
    if not any(state.get("End") or state.get("Type") in ("Succeed", "Fail") for state in states.values()):
        yield Problem("MISSING_END_STATE", "Workflow has no terminal state", None)
        return
    for name in states.keys() - _reachable(part["StartAt"], states):
        yield Problem("MISSING_TRANSITION_TARGET", f'State "{name}" is not reachable.', f"{path}/States/{name}")


def _of_state(path: str, state: dict[str, Any], machines: str) -> Iterator[Problem]:
    kind, language = state.get("Type"), state.get("QueryLanguage", machines)
    if kind not in TYPES:
        yield _schema(f"The field 'Type' should have one of these values: [{', '.join(TYPES)}]", f"{path}/Type")
    if (machines, language) == ("JSONata", "JSONPath"):
        yield _schema("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", path)
    other = "JSONPath" if language == "JSONata" else "JSONata"
    for field in FIELDS[other]:
        if field in state:
            yield _schema(
                f"The QueryLanguage is set to '{language}', but field '{field}' is only supported for the '{other}' "
                "QueryLanguage",
                path,
            )
    for field, kinds in FIELDS_OF_TYPES.items():
        if field in state and kind not in kinds:
            yield _schema(f"Field '{field}' is not supported", path)


def _transitions(state: dict[str, Any]) -> dict[str, str]:
    """Where a state may lead: the field that says so, and the name of the next state."""
    found: dict[str, str] = {field: state[field] for field in ("Next", "Default") if field in state}
    for field in ("Choices", "Catch"):
        found |= {
            f"{field}[{index}]/Next": rule["Next"] for index, rule in enumerate(state.get(field, [])) if "Next" in rule
        }
    return found


def _reachable(start: str, states: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in states and name not in seen:
            seen.add(name)
            ahead += _transitions(states[name]).values()
    return seen


def _schema(message: str, location: str) -> Problem:
    return Problem("SCHEMA_VALIDATION_FAILED", message, location)
