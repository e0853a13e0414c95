"""Cold import: CPU seconds of every function, of `import boto3` and of what the SageMaker SDK would cost instead.

Every import is a process of its own, bytecode there already, the best of several; alternated, so that a busy machine is
busy for all of them. Functions are imported from their layers as they are shipped and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
SDK = "sagemaker SDK, Predictor"
_PROGRAM = """
import sys, time
sys.path[:0] = sys.argv[1:]
began = time.process_time()
{statement}
print(time.process_time() - began)
"""


def build_layer(layer: str, folder: Path) -> Path:
    """A layer's folder for `sys.path`, with bytecode of this Python."""
    environment = os.environ | {"ARTIFACTS_DIR": str(folder / layer), "TENANTML_BUILD": "native"}
    command = ["make", "--silent", "--directory", str(REPOSITORY / "layers" / layer), f"build-{layer.title()}Layer"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return folder / layer / "python"


def cpu_seconds(statement: str, *folders: Path) -> float:
    """Return the CPU seconds of a statement in a process of its own, which finds nothing but these folders."""
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

    installed, functions = Path(sysconfig.get_paths()["purelib"]), REPOSITORY / "functions"
    with tempfile.TemporaryDirectory() as built:
        core, analysis = (build_layer(layer, Path(built)) for layer in ("core", "analysis"))
        for _ in range(3):
            note("import boto3", cpu_seconds("import boto3", installed))
            note("predict", cpu_seconds("import api.predict", functions, core))
            note(SDK, cpu_seconds("from sagemaker.predictor import Predictor", installed))
        for path in sorted(functions.glob("*/*.py")):
            if path.stem != "predict":
                note(path.stem, cpu_seconds(f"import {path.parent.name}.{path.stem}", functions, core, analysis))
    return {"cpu_seconds": best, "predict_of_sdk": best["predict"] / best[SDK]}
