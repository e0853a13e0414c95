"""Lambda: a function's worker sees the receivers of webhooks that the embedded cloud was given, as `local.internet`
says; without its setting, nothing is changed.
"""

from __future__ import annotations

import os

from ministack.core import lambda_runtime

from local import internet
from local.patches.emulator import EmulatorChanged

_BEGINNING = "    code_dir = init["


def apply() -> None:
    """Let each Python worker join before it imports its handler."""
    if not os.environ.get(internet.SETTING):
        return
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_BEGINNING) != 1:
        raise EmulatorChanged("ministack: the beginning of the Python worker has changed")
    joining = f"    import runpy\n    runpy.run_path({internet.__file__!r})['join']()\n{_BEGINNING}"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_BEGINNING, joining)
