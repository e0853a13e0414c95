"""Cold import: CPU seconds of every function, of `import boto3` and of what the SageMaker SDK would cost instead.

Every import is a process of its own, bytecode there already, the best of several; alternated, so that a busy machine is
busy for all of them. Functions are imported from the layer as it is shipped and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).resolve().parent.parent
SDK = "sagemaker SDK, Predictor"
_PROGRAM = """
import sys, time
sys.path[:0] = sys.argv[1:]
began = time.process_time()
{statement}
print(time.process_time() - began)
"""


def _build_layer(folder: Path) -> Path:
    """The layer's folder for `sys.path`, with bytecode of this Python."""
    environment = os.environ | {"ARTIFACTS_DIR": str(folder), "TENANTML_BUILD": "native"}
    command = ["make", "--silent", "--directory", str(_REPOSITORY / "layers" / "core"), "build-CoreLayer"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return folder / "python"


def _seconds(statement: str, *folders: Path) -> float:
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "ignore", "-c", _PROGRAM.format(statement=statement), *map(str, folders)],
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

    installed = Path(sysconfig.get_paths()["purelib"])
    with tempfile.TemporaryDirectory() as built:
        layer = _build_layer(Path(built))
        for _ in range(3):
            note("import boto3", _seconds("import boto3", installed))
            note("predict", _seconds("import app", _REPOSITORY / "functions" / "predict", layer))
            note(SDK, _seconds("from sagemaker.predictor import Predictor", installed))
        for folder in sorted(path.parent for path in _REPOSITORY.glob("functions/*/app.py")):
            if folder.name != "predict":
                note(folder.name, _seconds("import app", folder, layer, installed))  # numpy, which one of them ships
    return {"cpu_seconds": best, "predict_of_sdk": best["predict"] / best[SDK]}
