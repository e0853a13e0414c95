"""`with Console(platform) as console:` serves the operators' page of a deployed stack from a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from local import SAAS_ACCOUNT
from local.platform import Platform

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL")
_END_SECONDS = 5.0


class ConsoleError(Exception):
    """The operators' page did not start; carries the end of its log."""


class Console:
    """The process of one page, from `start()` to `stop()`; it also ends with its parent, however that ends."""

    def __init__(self, platform: Platform, port: int = 0) -> None:
        self._platform, self._port = platform, port
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @property
    def log_path(self) -> Path:
        """Where failures of the page have their traces."""
        return self._platform.cloud.state_dir / "console.log"

    def start(self) -> None:
        """Start it and wait for its address; raises ConsoleError when there is none."""
        command = [sys.executable, "-m", "local.console", "--stack", self._platform.name, "--port", str(self._port)]
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--supervised"],
                cwd=_REPOSITORY,
                env=inherited | self._platform.cloud.environment(SAAS_ACCOUNT),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for its parent, which ends it
            )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.stop()
            tail = self.log_path.read_text(errors="replace")[-2000:]
            raise ConsoleError(f"the operators' page did not start; the end of its log:\n{tail}")

    def stop(self) -> None:
        """End it; harmless when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
