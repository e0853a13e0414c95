"""Cold import: CPU seconds of every function, of `import boto3` and of what the SageMaker SDK would cost instead.

Every import is a process of its own, bytecode there already, the best of several; alternated, so that a busy machine is
busy for all of them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).resolve().parent.parent
SDK = "sagemaker SDK, Predictor"
_PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
{statement}
print(time.process_time() - began)
"""


def _seconds(statement: str, folder: Path = _REPOSITORY) -> float:
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM.format(statement=statement), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(finished.stdout.split()[-1])


def measure() -> dict[str, Any]:
    """Return `{name: CPU seconds}` and how predict compares with the SDK."""
    best: dict[str, float] = {}

    def note(name: str, seconds: float) -> None:
        best[name] = min(seconds, best.get(name, seconds))

    for _ in range(3):
        note("import boto3", _seconds("import boto3"))
        note("predict", _seconds("import app", _REPOSITORY / "functions" / "predict"))
        note(SDK, _seconds("from sagemaker.predictor import Predictor"))
    for folder in sorted(path.parent for path in _REPOSITORY.glob("functions/*/app.py")):
        if folder.name != "predict":
            note(folder.name, _seconds("import app", folder))
    return {"cpu_seconds": best, "predict_of_sdk": best["predict"] / best[SDK]}
