"""Why a command did not succeed, and the exit code that a script sees. `docs/cli.md` lists the codes."""

from __future__ import annotations

DONE, UNEXPECTED, USAGE, REFUSED, FAILED, STILL_RUNNING, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


class CommandError(Exception):
    """A command that did not succeed; `code` is a stable name, `str(error)` is for people."""

    exit_code = UNEXPECTED

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Refused(CommandError):
    """The platform said no, by name; `status` is HTTP's, where it was asked so."""

    exit_code = REFUSED

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status


class Failed(CommandError):
    """The execution that was watched did not succeed."""

    exit_code = FAILED


class StillRunning(CommandError):
    """The execution that was watched outlived the wait."""

    exit_code = STILL_RUNNING
