"""What the states of the definitions do, and the named errors that each can end in."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tools.reach import REPOSITORY, errors_of

DEFINITIONS = {path.name.partition(".")[0]: path for path in (REPOSITORY / "statemachine").glob("*.asl.json")}


def endings(machine: str) -> dict[str, list[str]]:
    """Return the sorted names of the errors that may leave each state's function; none for a state without one."""
    return {
        name: sorted(errors_of(_handler(state["Arguments"]["FunctionName"]))) if state["Type"] == "Task" else []
        for name, state in _states(machine).items()
    }


def table() -> str:
    """Return a Markdown table of the states of each machine, `training` first."""
    return "\n\n".join(_table(machine) for machine in sorted(DEFINITIONS, key=lambda name: (name != "training", name)))


def _table(machine: str) -> str:
    rows = [(f"state of `{machine}`", "what it does", "can end in"), ("---", "---", "---")]
    for name, names in endings(machine).items():
        rows.append((name, _states(machine)[name]["Comment"], " ".join(f"`{error}`" for error in names)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@cache
def _states(machine: str) -> dict[str, dict[str, Any]]:
    states: dict[str, dict[str, Any]] = json.loads(DEFINITIONS[machine].read_text())["States"]
    return states


@cache
def _template() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((REPOSITORY / "template.yaml").read_text())
    return template


def _handler(function_name: str) -> Path:
    """Return the source file of a function that a state names as `${NameFunctionArn}`."""
    template = _template()
    resource = re.sub(r"\$\{(\w+)Arn\}", r"\1", function_name)
    if resource not in template["Resources"]:
        raise SystemExit(
            f"{resource}: a state invokes it, and template.yaml lacks it; "
            "tests/contract/test_recipes.py names all that is missing"
        )
    properties: dict[str, str] = template["Globals"]["Function"] | template["Resources"][resource]["Properties"]
    module, _, _ = properties["Handler"].rpartition(".")
    return REPOSITORY / properties["CodeUri"] / f"{module.replace('.', '/')}.py"
