"""`python -m tools.lint DEFINITION...`: statelint on state machine definitions.

statelint 3.1.0 takes numbers alone for a task's TimeoutSeconds; AWS takes an expression, too (AWS CDK, "class Timeout",
`jsonata`). `tools.expressions` looks whether it parses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from statelint.config import Config
from statelint.linter import Linter


def problems(definition: dict[str, Any]) -> list[str]:
    """Return what statelint finds in a definition."""
    for state in definition.get("States", {}).values():
        if state.get("Type") == "Task" and str(state.get("TimeoutSeconds", "")).startswith("{%"):
            state["TimeoutSeconds"] = 1
    return list(Linter.validate(definition, Config(evaluate_jsonata=True)))


def main(paths: list[str]) -> int:
    """Print the problems; 1 when there are any, or when there was nothing to check."""
    found = [f"{path}: {problem}" for path in paths for problem in problems(json.loads(Path(path).read_text()))]
    print("\n".join([*found, f"{len(paths)} definitions, {len(found)} problems"]))
    return int(bool(found) or not paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
