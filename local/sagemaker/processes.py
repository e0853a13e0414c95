"""The processes that train and serve: children of this one, each with a folder of its own.

They end by themselves when this process dies, however it dies (both watch their parent), and stay in its process group.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LOG_LEVEL")
_LOG = "log.txt"
_STOP_SECONDS = 5.0


def trainer_module() -> str:
    """The module that trains a job; tests name the file of a double."""
    return os.environ.get("TENANTML_LOCAL_TRAINER", "local.sagemaker.trainer")


def serving_module() -> str:
    """The module that serves an endpoint; tests name the file of a double."""
    return os.environ.get("TENANTML_LOCAL_SERVING", "local.sagemaker.serving")


def new_folder(purpose: str) -> Path:
    """An empty folder for one process, below the temporary folder of the embedded cloud."""
    return Path(tempfile.mkdtemp(prefix=f"sagemaker-{purpose}-"))


def start(module: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start `python -m module folder` without any AWS credentials; its output goes to a log in the folder.

    A module that ends in `.py` is run as a file.
    """
    program = [module] if module.endswith(".py") else ["-m", module]
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    with (folder / _LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *program, str(folder)],
            cwd=_REPOSITORY,
            env={**environment, "PYTHONPATH": str(_REPOSITORY), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, politely first; harmless when it has ended."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def log_tail(folder: Path, characters: int = 2000) -> str:
    """The end of what the folder's process printed."""
    log = folder / _LOG
    return log.read_text(errors="replace")[-characters:] if log.exists() else ""


def discard(folder: Path) -> None:
    """Remove a folder and all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
