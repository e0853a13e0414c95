"""The operators' dashboard: a body that CloudWatch takes, of metrics and log lines that really exist."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SUBSTITUTION = re.compile(r"\$\{([A-Za-z:]+(?:\.[A-Za-z]+)?)\}")

# CloudWatch API reference, "Dashboard Body Structure and Syntax": what we use of it, and nothing else.
METRIC = {
    "type": "array",
    "prefixItems": [{"type": "string", "maxLength": 255}, {"type": "string", "maxLength": 255}],
    "minItems": 2,
}
STAT = {"type": "string", "pattern": r"^(SampleCount|Average|Sum|Minimum|Maximum|p\d{1,2}(\.\d{1,2})?)$"}
TITLE, REGION = {"type": "string"}, {"type": "string", "minLength": 1}
PROPERTIES = {
    "text": {"required": ["markdown"], "properties": {"markdown": {"type": "string"}}},
    "metric": {
        "required": ["metrics", "region"],
        "properties": {
            "title": TITLE,
            "region": REGION,
            "view": {"enum": ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]},
            "stat": STAT,
            "period": {"type": "integer", "minimum": 60, "multipleOf": 60},
            "setPeriodToTimeRange": {"type": "boolean"},
            "metrics": {"type": "array", "minItems": 1, "items": METRIC},
        },
    },
    "log": {
        "required": ["query", "region"],
        "properties": {
            "title": TITLE,
            "region": REGION,
            "view": {"enum": ["table", "timeSeries", "bar", "pie"]},
            "query": {"type": "string", "pattern": "^SOURCE '[^']+' \\| "},
        },
    },
    "alarm": {
        "required": ["alarms"],
        "properties": {"title": TITLE, "alarms": {"type": "array", "minItems": 1, "maxItems": 100}},
    },
}
WIDGETS = [
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "x", "y", "width", "height", "properties"],
        "properties": {
            "type": {"const": kind},
            "x": {"type": "integer", "minimum": 0, "maximum": 23},
            "y": {"type": "integer", "minimum": 0},
            "width": {"type": "integer", "minimum": 1, "maximum": 24},
            "height": {"type": "integer", "minimum": 1, "maximum": 1000},
            "properties": {"type": "object", "additionalProperties": False, **properties},
        },
    }
    for kind, properties in PROPERTIES.items()
]
BODY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["widgets"],
    "properties": {
        "start": {"type": "string", "pattern": "^-P"},
        "periodOverride": {"enum": ["auto", "inherit"]},
        "widgets": {"type": "array", "maxItems": 500, "items": {"oneOf": WIDGETS}},
    },
}
# Metrics that AWS publishes, with the dimensions that we ask by.
DOCUMENTED = {
    # Step Functions developer guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
    **{
        ("AWS/States", f"Executions{outcome}"): ("StateMachineArn",)
        for outcome in ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")
    },
    ("AWS/States", "ExecutionTime"): ("StateMachineArn",),
    ("AWS/States", "ConsumedCapacity"): ("ServiceMetric",),
    # Lambda developer guide, "Types of metrics for Lambda functions".
    ("AWS/Lambda", "Duration"): ("FunctionName",),
    # API Gateway developer guide, "Amazon API Gateway dimensions and metrics" (REST APIs).
    **{("AWS/ApiGateway", name): ("ApiName", "Stage") for name in ("Count", "4XXError", "5XXError")},
    # SQS developer guide, "Available CloudWatch metrics for Amazon SQS".
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName",),
    # DynamoDB developer guide, "DynamoDB metrics and dimensions".
    **{("AWS/DynamoDB", f"Consumed{kind}CapacityUnits"): ("TableName",) for kind in ("Read", "Write")},
    # CloudWatch Logs user guide, "Monitoring with CloudWatch metrics".
    ("AWS/Logs", "IncomingBytes"): ("LogGroupName",),
}


@pytest.fixture(scope="module")
def text(template: dict[str, Any]) -> str:
    found: str = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return found


@pytest.fixture(scope="module")
def widgets(text: str) -> list[dict[str, Any]]:
    """The body's widgets, with the names of what is substituted."""
    found: list[dict[str, Any]] = json.loads(SUBSTITUTION.sub(r"<\1>", text))["widgets"]
    return found


def metrics(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each metric's namespace, name and dimensions."""
    for widget in widgets:
        for namespace, name, *rest in widget["properties"].get("metrics", []):
            dimensions = [part for part in rest if isinstance(part, str)]
            yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))


def test_the_body_is_what_cloudwatch_documents(text: str) -> None:
    jsonschema.Draft202012Validator(BODY).validate(json.loads(SUBSTITUTION.sub("substituted", text)))


def test_widgets_stay_on_the_grid_and_cover_no_other(widgets: list[dict[str, Any]]) -> None:
    places = [
        (widget["properties"].get("title", "text"), x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert [title for title, x, _ in places if x > 23] == []
    assert len({(x, y) for _, x, y in places}) == len(places)


def test_every_metric_is_documented_by_aws_or_emitted_by_our_code(
    widgets: list[dict[str, Any]], repository: Path
) -> None:
    ours = dict.fromkeys((("TenantML", name) for name in emitted(repository)), ("service",))
    asked = {(namespace, name): tuple(dimensions) for namespace, name, dimensions in metrics(widgets)}
    assert asked
    assert {key: dimensions for key, dimensions in asked.items() if (DOCUMENTED | ours).get(key) != dimensions} == {}
    assert set(ours) <= set(asked), "operators see every metric that our code emits"
    assert set(DOCUMENTED) <= set(asked), "what is documented here is used"


def emitted(repository: Path) -> set[str]:
    """The metrics that our code emits; tests/integration shows that it does, with the dimension `service`."""
    calls = [call for call in calls_in(repository) if getattr(call.func, "id", "") == "single_metric"]
    return {keyword.value.value for call in calls for keyword in call.keywords if keyword.arg == "name"}  # type: ignore[attr-defined]


def calls_in(repository: Path) -> Iterator[ast.Call]:
    """Every call in what is deployed."""
    for path in itertools.chain((repository / "functions").rglob("*.py"), (repository / "layers").rglob("*.py")):
        yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def test_every_message_that_a_query_looks_for_is_logged(widgets: list[dict[str, Any]], repository: Path) -> None:
    logged = {
        call.args[0].value
        for call in calls_in(repository)
        if getattr(getattr(call.func, "value", None), "id", "") == "logger" and call.args
        if isinstance(call.args[0], ast.Constant)
    }
    queries = " ".join(widget["properties"]["query"] for widget in widgets if widget["type"] == "log")
    asked = set(re.findall(r'message = "([^"]+)"', queries))
    asked |= {
        message for listed in re.findall(r"message in \[([^]]+)]", queries) for message in json.loads(f"[{listed}]")
    }
    assert asked >= {"named failure", "version answered", "probed"}
    assert asked <= logged


def test_every_function_of_a_state_has_its_time_under_the_states_name(widgets: list[dict[str, Any]]) -> None:
    for machine in ("training", "deployment", "batch"):
        definition = json.loads(Path(f"statemachine/{machine}.asl.json").read_text())
        invoked: dict[str, list[str]] = {}
        for name, state in definition["States"].items():
            if state["Type"] == "Task":
                function = state["Arguments"]["FunctionName"].strip("${}").removesuffix("Arn")
                invoked.setdefault(function, []).append(name)
        (widget,) = (each for each in widgets if f"per state of a {machine}" in each["properties"].get("title", ""))
        shown = {row[3].strip("<>"): row[4]["label"] for row in widget["properties"]["metrics"]}
        assert shown == {function: ", ".join(names) for function, names in invoked.items()}


def test_failures_of_every_state_machine_are_seen(widgets: list[dict[str, Any]], template: dict[str, Any]) -> None:
    kind = "AWS::Serverless::StateMachine"
    machines = {f"<{name}>" for name, each in template["Resources"].items() if each["Type"] == kind}
    asked = [(*metric[:2], metric[2].get("StateMachineArn")) for metric in metrics(widgets)]
    assert {arn for *named, arn in asked if named == ["AWS/States", "ExecutionsFailed"]} == machines


def test_what_is_substituted_exists(text: str, template: dict[str, Any]) -> None:
    names = {name.partition(".")[0] for name in SUBSTITUTION.findall(text)}
    assert names <= template["Resources"].keys() | {"AWS::Region", "AWS::StackName"}
    alarms = {
        name
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in each
    }
    assert alarms <= names, "operators see every alarm"
    assert {name for name in template["Resources"] if name.endswith("DeadLetterQueue")} <= names
    assert "${" not in SUBSTITUTION.sub("", text)


def test_it_can_be_switched_off(template: dict[str, Any]) -> None:
    assert template["Resources"]["Dashboard"]["Condition"] == "HasDashboard"
    assert template["Conditions"]["HasDashboard"] == {"Fn::Equals": [{"Ref": "ShowDashboard"}, "on"]}
    assert template["Parameters"]["ShowDashboard"]["AllowedValues"] == ["on", "off"]
