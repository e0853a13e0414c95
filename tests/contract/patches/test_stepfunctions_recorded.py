"""Definitions of ours that do what others recorded on AWS, with the end that was recorded there.

The sources are files under tests/aws/services/stepfunctions/v2 of localstack/localstack (recorded 2023 to 2025, each
test is marked `aws.validated`). All executions are started first, so that the table costs seconds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.contract.patches.test_stepfunctions import End, Start, machine


class Case(NamedTuple):
    """A JSONata definition and its input, what it ends in, and where that was recorded."""

    definition: dict[str, Any]
    input: Any
    status: str
    output: Any  # or of a failed one its error, and what its cause contains
    source: str


def done(definition: dict[str, Any], output: Any, source: str, data: Any = None) -> Case:
    return Case(definition, data or {}, "SUCCEEDED", output, source)


def failed(definition: dict[str, Any], error: str, cause: str, source: str, data: Any = None) -> Case:
    return Case(definition, data or {}, "FAILED", (error, cause), source)


def output(value: Any, **more: Any) -> dict[str, Any]:
    return machine(Only={"Type": "Pass", "Output": value, "End": True, **more})


def mapped(items: Any, **more: Any) -> dict[str, Any]:
    process = machine(Same={"Type": "Pass", "End": True})
    return machine(Each={"Type": "Map", "Items": items, "ItemProcessor": process, "End": True, **more})


def choice(output_: Any = None, **more: Any) -> dict[str, Any]:
    rule = {"Condition": "{% $states.input.condition %}", "Next": "Taken"} | ({"Output": output_} if output_ else {})
    return machine(
        Choose={"Type": "Choice", "Choices": [rule], **more},
        Taken={"Type": "Pass", "End": True},
        Refused={"Type": "Fail", "Cause": "Condition is false"},
    )


def waiting(field: str, value: Any) -> dict[str, Any]:
    return machine(Wait={"Type": "Wait", field: value, "End": True})


QUERY = "States.QueryEvaluationError"
OUTPUT = "outputdecl/test_output::test_base_output_any_non_dict"
ITEMS = "scenarios/test_base_scenarios::test_map_state_items_eval_jsonata_fail"
UNDEFINED = "assign/test_assign_reference_variables::test_undefined_reference"
EXPRESSIONS = "evaluate_jsonata/test_base_evaluate_expressions"
RICH: Any = [None, 0, 0.1, True, "string", [], "$nosuchvar", "$.no.such.path", {"key": True}]

CASES = {
    "output null": done(output(None), None, f"{OUTPUT}[NULL]"),
    "output number": done(output(0.1), 0.1, f"{OUTPUT}[FLOAT]"),
    "output boolean": done(output(True), True, f"{OUTPUT}[BOOL]"),
    "output text": done(output("string literal"), "string literal", f"{OUTPUT}[STR_LIT]"),
    "output empty list": done(output([]), [], f"{OUTPUT}[LIST_EMPY]"),
    "output rich list": done(output(RICH), RICH, f"{OUTPUT}[LIST_RICH]"),
    "output expression": done(output("{% $states.input %}"), {"a": 1}, f"{OUTPUT}[JSONATA_EXPR]", {"a": 1}),
    "output that is no expression": done(
        output({"a": " {% states.input %} ", "b": "$states.input", "c.$": "$"}),
        {"a": " {% states.input %} ", "b": "$states.input", "c.$": "$"},
        "outputdecl/test_output::test_base_cases[BASE_LITERALS]",
    ),
    "variables": done(
        machine(
            Init={"Type": "Pass", "Assign": {"one": 1}, "Next": "Sum"},
            Sum={"Type": "Pass", "Output": "{% $sum($states.input.values) + $one %}", "End": True},
        ),
        7,
        "outputdecl/test_output::test_base_cases[BASE_DIRECT_EXPR]",
        {"values": [1, 2, 3]},
    ),
    "assigned by a choice": done(
        choice(Default="Refused"),
        {"condition": True},
        "assign/test_assign_base::test_assign_in_choice[CONDITION_TRUE]",
        {"condition": True},
    ),
    "output of a choice": done(
        choice("Condition Output block", Default="Refused"),
        "Condition Output block",
        "outputdecl/test_output::test_output_in_choice[CONDITION_TRUE]",
        {"condition": True},
    ),
    "default of a choice": failed(
        choice(Default="Refused"),
        "",
        "Condition is false",
        "outputdecl/test_output::test_output_in_choice[CONDITION_FALSE]",
        {"condition": False},
    ),
    "merged": done(
        output("{% $merge([$states.input.a, $states.input.b]) %}"),
        {"hello": "world", "foo": "bar"},
        f"{EXPRESSIONS}::test_merge_with_dynamic_args",
        {"a": {"hello": "world"}, "b": {"foo": "bar"}},
    ),
    "map": done(mapped("{% [1, 2, 3] %}"), [1, 2, 3], f"{EXPRESSIONS}::test_base_map[ITEMS]"),
    "map from input": done(
        mapped("{% $states.input.values %}"),
        [1, 2, 3],
        f"{EXPRESSIONS}::test_base_map_from_input[ITEMS]",
        {"values": [1, 2, 3]},
    ),
    "concurrency from input": done(
        mapped([1], MaxConcurrency="{% $states.input.n %}"),
        [1],
        f"{EXPRESSIONS}::test_base_map_from_input[MAX_CONCURRENCY]",
        {"n": 1},
    ),
    "items number": failed(
        mapped("{% 1 %}"), QUERY, "Expected 'array', but was 'number' for value: 1", f"{ITEMS}[number]"
    ),
    "items text": failed(
        mapped("{% 'string' %}"), QUERY, "Expected 'array', but was 'string' for value: \"string\"", f"{ITEMS}[string]"
    ),
    "items boolean": failed(
        mapped("{% true %}"), QUERY, "Expected 'array', but was 'boolean' for value: true", f"{ITEMS}[boolean]"
    ),
    "items object": failed(
        mapped("{% {'foo': 'bar'} %}"), QUERY, "Expected 'array', but was 'object'", f"{ITEMS}[object]"
    ),
    "items null": failed(
        mapped("{% null %}"), QUERY, "Expected 'array', but was 'null' for value: null", f"{ITEMS}[null]"
    ),
    "undefined output": failed(output("{% $nothing %}"), QUERY, "", f"{UNDEFINED}[BASE_UNDEFINED_OUTPUT]"),
    "undefined field of an output": failed(
        output({"result": "{% $nothing %}"}), QUERY, "", f"{UNDEFINED}[BASE_UNDEFINED_OUTPUT_FIELD]"
    ),
    "undefined variable": failed(
        output(1, Assign={"result": "{% $nothing %}"}), QUERY, "", f"{UNDEFINED}[BASE_UNDEFINED_ASSIGN]"
    ),
    "undefined arguments": failed(
        machine(
            Call={
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "{% $nothing %}"},
                "End": True,
            }
        ),
        QUERY,
        "",
        f"{UNDEFINED}[BASE_UNDEFINED_ARGUMENTS_FIELD]",
    ),
    "time without T": failed(
        waiting("Timestamp", "{% '2016-12-05 21:29:29Z' %}"),
        QUERY,
        "cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-12-05 21:29:29Z",
        "scenarios/test_base_scenarios::test_wait_timestamp_jsonata[NO_T]",
    ),
    "time without zone": failed(
        waiting("Timestamp", "{% '2016-12-05T21:29:29' %}"),
        QUERY,
        "cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-12-05T21:29:29",
        "scenarios/test_base_scenarios::test_wait_timestamp_jsonata[NO_Z]",
    ),
    "month 13": failed(
        waiting("Timestamp", "{% '2016-13-05T21:29:29Z' %}"),
        QUERY,
        "cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-13-05T21:29:29Z",
        "scenarios/test_base_scenarios::test_wait_timestamp_jsonata[INVALID_DATE]",
    ),
}


@pytest.fixture(scope="module")
def started(start_machine: Start) -> dict[str, str]:
    return {name: start_machine(case.definition, case.input) for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_an_execution_ends_as_it_was_recorded(name: str, started: dict[str, str], end_of: End) -> None:
    case, ended = CASES[name], end_of(started[name])
    assert ended["status"] == case.status, (ended.get("error"), ended.get("cause"), case.source)
    if case.status == "SUCCEEDED":
        assert ended["output"] == case.output, case.source
    else:
        error, cause = case.output
        assert ended.get("error", "") == error, case.source
        assert cause in ended.get("cause", ""), case.source
