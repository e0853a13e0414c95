"""What is deployed: the template, and the functions by their names: `start_training` is `StartTrainingFunction`'s."""

from __future__ import annotations

import ast
import functools
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

REPOSITORY = Path(__file__).resolve().parents[1]
PATHS = {path.stem: path for path in sorted((REPOSITORY / "functions").glob("*/*.py"))}
"""Each function's name and its module's file."""


@functools.cache
def template() -> dict[str, Any]:
    """Return the template, which takes half a second to read; whoever changes it makes a copy first."""
    found: dict[str, Any] = yaml_parse((REPOSITORY / "template.yaml").read_text())
    return found


def module_of(function: str) -> Any:
    """Return a function's module."""
    return importlib.import_module(f"functions.{PATHS[function].parent.name}.{function}")


def sample_event(function: str) -> Any:
    """Return a function's sample event."""
    return json.loads((REPOSITORY / "events" / f"{function}.json").read_text())


def imports(path: Path) -> Iterator[str]:
    """Yield what a source file imports, each name with its module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
