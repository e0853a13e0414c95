"""What a state and a setting need: everything that is missing is named at once, as CONTRIBUTING.md lists it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenantml.domain.training.model_settings import RANGES, ModelSettings
from tests.functions import PATHS, REPOSITORY


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def invoked(role: dict[str, Any]) -> set[str]:
    """The functions that a state machine's role may invoke."""
    statements = [found for policy in role["Policies"] for found in policy["PolicyDocument"]["Statement"]]
    arns = [found["Resource"] for found in statements if found["Action"] == "lambda:InvokeFunction"]
    return {arn["Fn::GetAtt"][0] for found in arns for arn in (found if isinstance(found, list) else [found])}


def missing_of_states(template: dict[str, Any], definition: Path) -> Iterator[str]:
    """Name what the states of a definition lack."""
    resources = template["Resources"]
    machine = next(
        resource["Properties"]
        for resource in resources.values()
        if resource.get("Properties", {}).get("DefinitionUri") == f"statemachine/{definition.name}"
    )
    may_invoke = invoked(resources[machine["Role"]["Fn::GetAtt"][0]]["Properties"])
    for name, state in json.loads(definition.read_text())["States"].items():
        if state["Type"] != "Task":
            continue
        substitution = state["Arguments"]["FunctionName"].strip("${}")
        function = substitution.removesuffix("Arn")
        module = snake(function.removesuffix("Function"))
        if module not in PATHS:
            yield f"{name}: functions/*/{module}.py"
        elif "def handler(" not in PATHS[module].read_text():
            yield f"{name}: a function `handler` in {PATHS[module].name}"
        if function not in resources:
            yield f"{name}: the resource {function} in template.yaml"
        elif resources[function]["Properties"].get("Handler") != f"{PATHS[module].parent.name}.{module}.handler":
            yield f"{name}: the Handler of {function} in template.yaml"
        if substitution not in machine["DefinitionSubstitutions"]:
            yield f"{name}: the substitution {substitution} of {definition.name} in template.yaml"
        if function not in may_invoke:
            yield f"{name}: {function} in what the role of {definition.name} may invoke, in template.yaml"
        if not (REPOSITORY / "events" / f"{module}.json").exists():
            yield f"{name}: events/{module}.json"


def test_every_state_has_all_that_a_state_needs(template: dict[str, Any], definition_path: Path) -> None:
    missing = list(missing_of_states(template, definition_path))
    assert not missing, "\n".join(missing)


def test_all_that_a_new_state_lacks_is_named_at_once(template: dict[str, Any], tmp_path: Path) -> None:
    planted = json.loads((REPOSITORY / "statemachine" / "rescue.asl.json").read_text())
    state = json.loads(json.dumps(planted["States"]["Rescue"]))
    state["Arguments"]["FunctionName"] = "${PlantedStateFunctionArn}"
    planted["States"]["PlantedState"] = state
    path = tmp_path / "rescue.asl.json"
    path.write_text(json.dumps(planted))
    assert list(missing_of_states(template, path)) == [
        "PlantedState: functions/*/planted_state.py",
        "PlantedState: the resource PlantedStateFunction in template.yaml",
        "PlantedState: the substitution PlantedStateFunctionArn of rescue.asl.json in template.yaml",
        "PlantedState: PlantedStateFunction in what the role of rescue.asl.json may invoke, in template.yaml",
        "PlantedState: events/planted_state.json",
    ]


def missing_of_settings(kind: type) -> Iterator[str]:
    """Name what the fields of a model's settings lack."""
    sources = [path for folder in ("layers", "functions") for path in (REPOSITORY / folder).rglob("*.py")]
    text = "".join(path.read_text() for path in sources if path.name != "model_settings.py")
    for field in dataclasses.fields(kind):
        if not re.search(rf"""\.{field.name}\b|\["{field.name}"\]""", text):
            yield f"{field.name}: a line in layers or functions that reads it"
        if type(field.default) in {int, float} and field.name not in RANGES:
            yield f"{field.name}: its range in RANGES, in model_settings.py"


def test_every_setting_is_read_and_a_number_has_a_range() -> None:
    missing = list(missing_of_settings(ModelSettings))
    assert not missing, "\n".join(missing)


def test_all_that_a_new_setting_lacks_is_named_at_once() -> None:
    planted = dataclasses.make_dataclass("Planted", [("planted_number", int, dataclasses.field(default=1))])
    assert list(missing_of_settings(planted)) == [
        "planted_number: a line in layers or functions that reads it",
        "planted_number: its range in RANGES, in model_settings.py",
    ]
