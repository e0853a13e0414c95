"""A process of this repository that ends with its parent, however that ends: it watches its standard input."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LOG_LEVEL")
_TAIL = 4000


class Child:
    """`python -m MODULE ARGUMENTS --supervised`, at once, with the variables of `environment` and nothing of the
    caller's AWS settings. What it prints goes to `log_path`; with `is_read` its errors alone.
    """

    def __init__(
        self, command: Sequence[str], log_path: Path, environment: Mapping[str, str], *, is_read: bool = False
    ) -> None:
        self._log_path = log_path
        with log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command, "--supervised"],
                cwd=_REPOSITORY,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if is_read else log,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for its parent, which ends it
            )

    def end(self, seconds: float) -> None:
        """End it and all that it started, by force after so long; harmless when it has ended."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def end_of_log(self) -> str:
        """Return the last lines that it logged."""
        return self._log_path.read_text(errors="replace")[-_TAIL:]
