"""Why a command did not succeed, and the exit code that a script sees."""

from __future__ import annotations

from typing import Final

DONE, UNEXPECTED, USAGE, REFUSED, FAILED, STILL_RUNNING, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

OWN_ERRORS: Final = (
    "NotConfirmed", "NoFile", "NoExecution", "NotRunning", "NoLiveVersion", "NoResult", "NoApiKey", "NoApiUrl",
    "StackNotFound",
)  # fmt: skip

# Exit code -> what it means, and what is on standard error.
MEANINGS: Final = {
    DONE: ("done", "progress"),
    UNEXPECTED: ("AWS refused a call, or could not be reached", "AWS's error code"),
    USAGE: ("wrong usage", "the usage"),
    REFUSED: (
        "the platform refused",
        "the error's name, as in [errors.md](errors.md), or one of the command line's own: "
        + ", ".join(f"`{name}`" for name in OWN_ERRORS),
    ),
    FAILED: ("the execution did not succeed", "the name of its failure"),
    STILL_RUNNING: ("the execution outlived the wait, and goes on", "`StillRunning`"),
    INTERRUPTED: ("interrupted; what was started goes on", "`Interrupted`"),
}


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
