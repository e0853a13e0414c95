"""What is deployed, read once: the template, the definition, the functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse((REPOSITORY / "template.yaml").read_text())
    return found


@pytest.fixture(scope="session")
def definition() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REPOSITORY / "statemachine" / "training.asl.json").read_text())
    return found


@pytest.fixture(scope="session")
def states(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = definition["States"]
    return found


@pytest.fixture(scope="session")
def apps() -> dict[str, Path]:
    """Each function's folder name and its `app.py`."""
    return {app.parent.name: app for app in sorted((REPOSITORY / "functions").glob("*/app.py"))}


@pytest.fixture(scope="session")
def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each function's folder name and its properties in the template."""
    return {
        Path(resource["Properties"]["CodeUri"]).name: resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
