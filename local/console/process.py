"""`with Console(platform) as console:` serves the operators' page of a deployed stack from a process of its own."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from local import SAAS_ACCOUNT
from local.child import Child
from local.platform import Platform

_END_SECONDS = 5.0


class ConsoleError(Exception):
    """The operators' page did not start; carries the end of its log."""


class Console:
    """The process of one page, from `start()` to `stop()`."""

    def __init__(self, platform: Platform, port: int = 0) -> None:
        self._platform, self._port = platform, port
        self._child: Child | None = None
        self.url = ""

    @property
    def log_path(self) -> Path:
        """Where failures of the page have their traces."""
        return self._platform.cloud.state_dir / "console.log"

    def start(self) -> None:
        """Start it and wait for its address; raises ConsoleError when there is none."""
        command = ["local.console", "--stack", self._platform.name, "--port", str(self._port)]
        environment = self._platform.cloud.environment(SAAS_ACCOUNT)
        child = self._child = Child(command, self.log_path, environment, is_read=True)
        assert child.process.stdout is not None
        self.url = child.process.stdout.readline().strip()
        if not self.url:
            self.stop()
            raise ConsoleError(f"the operators' page did not start; the end of its log:\n{child.end_of_log()}")

    def stop(self) -> None:
        """End it; harmless when it has ended."""
        child, self._child = self._child, None
        if child is not None:
            child.end(_END_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
