"""The processes that train and serve: children of this one, each with its own folder.

They end by themselves when this process dies, however it dies (both watch their parent), and stay in its process group.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TypeAlias

from local.nursery import Child, Nursery

Process: TypeAlias = subprocess.Popen[bytes] | Child

_REPOSITORY = Path(__file__).resolve().parents[2]
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LOG_LEVEL")
_LOG = "log.txt"
_STOP_SECONDS = 5.0
# Idle OpenMP threads that spin made training 10 to 100 times slower under load; nothing can be forked from a process
# with a thread of pyarrow's jemalloc.
_ONE_THREAD = {
    "OMP_WAIT_POLICY": "passive",
    "OMP_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
# What every trainer or server imports.
_IMPORTED = (
    "lightgbm",
    "xgboost",
    "local.sagemaker.serving.containers",
    "local.sagemaker.serving.server",
    "local.sagemaker.trainer.training",
)
_nursery: Nursery | None = None
_lock = threading.Lock()


def trainer_module() -> str:
    """The module that trains a job; tests name the file of a double."""
    return os.environ.get("TENANTML_LOCAL_TRAINER", "local.sagemaker.trainer")


def serving_module() -> str:
    """The module that serves an endpoint; tests name the file of a double."""
    return os.environ.get("TENANTML_LOCAL_SERVING", "local.sagemaker.serving")


def new_folder(purpose: str) -> Path:
    """An empty folder for one process, below the temporary folder of the embedded cloud."""
    return Path(tempfile.mkdtemp(prefix=f"sagemaker-{purpose}-"))


def start(module: str, folder: Path) -> Process:
    """Start `python -m module folder` without any AWS credentials; its output goes to a log in the folder.

    Our own modules are forked from the nursery where that is safe: macOS's libraries do not support it. A module that
    ends in `.py` runs as a file.
    """
    if sys.platform == "linux" and not module.endswith(".py"):
        return _started_nursery().run_module(module, folder, folder / _LOG)
    program = [module] if module.endswith(".py") else ["-m", module]
    with (folder / _LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *program, str(folder)],
            cwd=_REPOSITORY,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**environment, **_ONE_THREAD, "PYTHONPATH": str(_REPOSITORY), "PYTHONUNBUFFERED": "1"}


def _started_nursery() -> Nursery:
    global _nursery  # noqa: PLW0603 - one for the embedded cloud, replaced if it dies
    with _lock:
        if _nursery is not None and not _nursery.is_alive:
            _nursery.close()
            _nursery = None
        if _nursery is None:
            _nursery = Nursery(_environment(), _IMPORTED)
        return _nursery


def close_nursery() -> None:
    """End the nursery, if there is one."""
    global _nursery  # noqa: PLW0603 - as above
    with _lock:
        if _nursery is not None:
            _nursery.close()
        _nursery = None


def stop(process: Process) -> None:
    """End a process, first by SIGTERM; harmless when it has ended."""
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
