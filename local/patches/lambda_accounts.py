"""Lambda: a function's worker finds hosts that begin with an account's number, as `local.account_hosts` says."""

from __future__ import annotations

from ministack.core import lambda_runtime

from local import account_hosts
from local.patches.emulator import EmulatorChanged

_BEGINNING = "    code_dir = init["


def apply() -> None:
    """Let each Python worker find them before it imports its handler."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_BEGINNING) != 1:
        raise EmulatorChanged("ministack: the beginning of the Python worker has changed")
    joining = f"    import runpy\n    runpy.run_path({account_hosts.__file__!r})['join']()\n{_BEGINNING}"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_BEGINNING, joining)
