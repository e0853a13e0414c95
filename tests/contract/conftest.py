"""What is deployed, read once: the template, the definition, the functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.functions import PATHS, REPOSITORY
from tests.functions import template as read_template


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return read_template()


DEFINITIONS = sorted((REPOSITORY / "statemachine").glob("*.asl.json"))


@pytest.fixture(scope="session", params=DEFINITIONS, ids=lambda path: path.name.partition(".")[0])
def definition_path(request: pytest.FixtureRequest) -> Path:
    """Each definition in turn."""
    found: Path = request.param
    return found


@pytest.fixture(scope="session")
def definition(definition_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(definition_path.read_text())
    return found


@pytest.fixture(scope="session")
def states(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = definition["States"]
    return found


@pytest.fixture(scope="session")
def training() -> dict[str, Any]:
    """The definition of the pipeline."""
    found: dict[str, Any] = json.loads((REPOSITORY / "statemachine" / "training.asl.json").read_text())
    return found


@pytest.fixture(scope="session")
def definitions() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in DEFINITIONS]


@pytest.fixture(scope="session")
def apps() -> dict[str, Path]:
    """Each function's name and its module's file."""
    return PATHS


@pytest.fixture(scope="session")
def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each function's name, as its handler has it, and its properties in the template."""
    return {
        resource["Properties"]["Handler"].split(".")[-2]: resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
