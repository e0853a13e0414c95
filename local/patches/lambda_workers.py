"""Lambda: on Linux, workers in Python are forked from one process that has the libraries of our layers, most of a cold
start; and there are only so many workers, of which those that were idle for longest end first.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ministack.core import lambda_runtime

from local.nursery import Child, Nursery
from local.patches.emulator import EmulatorChanged, original, wrap

_WORKER: Final = "_worker.py"
# The libraries that are shared, and what of them our functions import.
_SHARED: Final = ("botocore", "aws_lambda_powertools", "numpy")
_IMPORTED: Final = (
    "botocore.session",
    "botocore.handlers",
    "botocore.client",
    "aws_lambda_powertools.metrics",
    "numpy",
    str(Path(__file__).with_name("shared_models.py")),
)
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1"}  # nothing can be forked from a process with threads

# How many environments are kept, whichever functions they are of; those at work come on top.
SETTING: Final = "TENANTML_LOCAL_ENVIRONMENTS"
_KEPT: Final = 200

_lock = threading.Lock()
_nurseries: list[Nursery] = []


def apply() -> None:
    """Start the workers that `Worker._spawn` starts as processes; what it starts of other runtimes is left alone. End
    idle ones of functions that are called no more for those that are: as shipped, each burst leaves its own behind.
    """
    original(lambda_runtime.Worker, "_spawn", "c55febf95656")
    if lambda_runtime.subprocess is not subprocess:
        raise EmulatorChanged("ministack: core.lambda_runtime no longer starts processes with the module subprocess")
    lambda_runtime.subprocess = _Subprocess()
    wrap(lambda_runtime, "acquire_worker", "5017d144adb5", _with_room)


def _with_room(acquire: Any) -> Any:
    kept = int(os.environ.get(SETTING, _KEPT))

    @functools.wraps(acquire)
    def acquiring(*arguments: Any, **options: Any) -> Any:
        worker, how = acquire(*arguments, **options)
        if how == "spawn" and (ended := _taken_out(kept)):
            threading.Thread(target=lambda_runtime.kill_workers, args=(ended,), daemon=True).start()
        return worker, how

    return acquiring


def _taken_out(kept: int) -> list[Any]:
    """Take idle workers out of their pools, those of the longest idleness, until there are as many as are kept."""
    with lambda_runtime._lock:
        pools = lambda_runtime._workers
        every = [(worker, pool) for pool in pools.values() for worker in pool]
        idle = sorted((pair for pair in every if not pair[0].in_use), key=lambda pair: pair[0].last_used)
        surplus = idle[: max(0, len(every) - kept)]
        for worker, pool in surplus:
            pool.remove(worker)
    return [worker for worker, _ in surplus]


class _Subprocess:
    """The module `subprocess` as the emulator's Lambda runtime uses it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(command: list[str], **options: Any) -> Child | subprocess.Popen[Any]:  # noqa: N802 - subprocess's name
        file = Path(command[-1])
        if sys.platform == "linux" and command[0] == sys.executable and file.name == _WORKER and not _brings(file):
            return _nursery(options["env"]).run_file(file, Path(options["cwd"]), options["env"])
        return subprocess.Popen(command, **options)


def _brings(file: Path) -> bool:
    """Whether the function's package or a layer of it brings what would be shared: a function gets its own."""
    folders = [file.parent / "code", *file.parent.glob("layer_*")]
    return any(name in _SHARED for folder in folders for _, found, _ in os.walk(folder) for name in found)


def _nursery(environment: Mapping[str, str]) -> Nursery:
    """The process that all workers are forked from; a new one when it has ended."""
    with _lock:
        if not _nurseries or not _nurseries[-1].is_alive:
            inherited = {name: environment[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in environment}
            _nurseries[:] = [Nursery(inherited | _ONE_THREAD, _IMPORTED)]
        return _nurseries[-1]
