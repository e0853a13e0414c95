"""Guides as a person follows them: what a page says to type is typed, and what it shows is compared with what came.

Of a page's `console` blocks, a line that begins with `$ ` is a command, and the lines after it are what it prints.
There, `…` stands for any text, and alone on a line for any lines. Ids, times, addresses and fractions are of the day:
their form is compared, and an id that a page shows is, in its later commands, the one that came in its place. A block
whose language is followed by a file's name (`python predict.py`) is that file.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import PATIENCE_SECONDS

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENDED = "\x1e"
LATER = ("tenantml logs ", "cat received", "tenantml webhooks deliveries ")
_TIMEOUT_SECONDS = 900  # of a page's commands, on a busy machine
_IDS = [
    r"\bv\d{8}-\d{6}-[0-9a-f]{4}\b",  # a version
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    r"\b[0-9a-f]{16}\b",  # of a batch, or the end of an execution's name
    r"\b[0-9a-f]{12}\b",  # of an API key, or an account
    r"\btml-[a-z0-9]{6}\b",
    r"\btml_[\w-]{20,}",
]
_FORMS = [
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?",
    r"http://127\.0\.0\.1:\d+(?:/_aws/execute-api/\w+/v1)?",
    r"\d+\.\d+",
    r"\d+ s\b",
]
_BLANKS = r"[ \t]+"  # columns are as wide as what is in them
_OF_THE_DAY = re.compile("|".join(f"({pattern})" for pattern in [*_IDS, *_FORMS, _BLANKS, "…"]))


@dataclass(frozen=True)
class Step:
    """A command of a page, in which line it is, and what the page shows that it prints."""

    line: int
    command: str
    shown: str


def files(text: str) -> dict[str, str]:
    """Return the files that a page has its reader write, by name."""
    return {found[2]: found[3] for found in _BLOCK.finditer(text) if found[2]}


def steps(text: str) -> list[Step]:
    """Return the commands of a page in order.

    Raises:
        ValueError: a console block begins with something that is no command.
    """
    return [step for found in _BLOCK.finditer(text) if found[1] == "console" for step in _steps(text, found)]


def _steps(text: str, block: re.Match[str]) -> Iterator[Step]:
    first = text.count("\n", 0, block.start(3)) + 1
    lines = block[3].splitlines()
    if not lines or not lines[0].startswith("$ "):
        raise ValueError(f"line {first}: a console block begins with a command")
    at = 0
    while at < len(lines):
        begin, command = at, lines[at].removeprefix("$ ")
        while lines[at].endswith(("\\", "|")):
            at += 1
            command += "\n" + lines[at]
        at += 1
        end = next((later for later in range(at, len(lines)) if lines[later].startswith("$ ")), len(lines))
        yield Step(first + begin, command, "\n".join(lines[at:end]))
        at = end


def compared(shown: str, printed: str) -> dict[str, str] | None:
    """Return which id came for each that is shown; None if what was printed is not as shown."""
    pattern, ids = "", []
    for line in map(str.strip, shown.strip().splitlines()):
        if line == "…":
            pattern += r"(?:.*\n)*?"
            continue
        end = 0
        for token in _OF_THE_DAY.finditer(line):
            kind = [*_IDS, *_FORMS, _BLANKS, ".*"][(token.lastindex or 0) - 1]
            pattern += re.escape(line[end : token.start()]) + (f"({kind})" if kind in _IDS else kind)
            ids += [token[0]] if kind in _IDS else []
            end = token.end()
        pattern += re.escape(line[end:]) + r"\n"
    came = "".join(f"{line.strip()}\n" for line in printed.strip().splitlines())
    found = re.fullmatch(pattern, came)
    return None if found is None else dict(zip(ids, found.groups(), strict=True))


def follow(page: Path, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Type a page's commands into one shell, in `folder`, and return what does not come as the page says."""
    text = page.read_text(encoding="utf-8")
    for name, content in files(text).items():
        (folder / name).write_text(content, encoding="utf-8")
    ids: dict[str, str] = {}
    findings = []
    with _Shell(folder, environment) as shell:
        for step in steps(text):
            command = step.command
            for shown, came in ids.items():
                command = command.replace(shown, came)
            printed, code = shell.type(command)
            asked = time.monotonic()
            while (matched := compared(step.shown, printed)) is None and _may_come_later(command, asked):
                time.sleep(1)
                printed, code = shell.type(command)
            ids |= matched or {}
            if code != "0" or matched is None:
                findings.append(f"{page.name}, line {step.line}: $ {command}\nended with {code} and printed\n{printed}")
    return findings


def _may_come_later(command: str, asked: float) -> bool:
    """Return whether what a command reads is written later than it happens: a function's log, or what it sent."""
    return command.startswith(LATER) and time.monotonic() - asked < PATIENCE_SECONDS


class _Shell:
    """One bash, which stays where and as the commands before have left it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._watch = threading.Timer(_TIMEOUT_SECONDS, self._bash.kill)

    def __enter__(self) -> _Shell:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._bash.kill()
        self._bash.communicate()

    def type(self, command: str) -> tuple[str, str]:
        """Return what a command prints, and its exit code: empty if the shell has ended."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        if self._bash.poll() is None:
            # Nothing but the shell reads what is typed.
            self._bash.stdin.write(f"{{\n{command}\n}} < /dev/null\nprintf '{_ENDED}%s{_ENDED}\\n' $?\n")
            self._bash.stdin.flush()
        printed = ""
        for line in self._bash.stdout:
            printed += line
            if line.endswith(f"{_ENDED}\n"):
                break
        output, _, code = printed.partition(_ENDED)
        return output, code.strip().strip(_ENDED)
