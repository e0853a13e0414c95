"""Guides as a person follows them: what a page says to type is typed, and what it shows is compared with what came.

Of a page's `console` blocks, a line that begins with `$ ` is a command, and the lines after it are what it prints. There,
`…` stands for any text, and alone on a line for any lines; ids, times, addresses and fractions are of the day, and only
their form is compared. A block whose language is followed by a file's name (`python predict.py`) is that file.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENDED = "\x1e"
_TIMEOUT_SECONDS = 300
_OF_THE_DAY = [
    (re.compile(pattern), name)
    for pattern, name in [
        (r"\bv\d{8}-\d{6}-[0-9a-f]{4}\b", "VERSION"),
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
        (r"(?<=-)[0-9a-f]{16}\b", "ID"),
        (r"\b[0-9a-f]{12}\b", "ID"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?", "TIME"),
        (r"\btml-[a-z0-9]{6}\b", "PREFIX"),
        (r"http://127\.0\.0\.1:\d+(?:/_aws/execute-api/\w+/v1)?", "ADDRESS"),
        (r"\d+\.\d+", "0.0"),
        (r"[ \t]+", " "),  # columns are as wide as what is in them
    ]
]


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


def is_as_shown(shown: str, printed: str) -> bool:
    """Return whether a command printed what the page shows."""
    pattern = ""
    for line in shown.strip().splitlines():
        parts = [re.escape(_form(part)) for part in line.strip().split("…")]
        pattern += r"(?:.*\n)*" if line.strip() == "…" else ".*".join(parts) + r"\n"
    came = "".join(f"{_form(line.strip())}\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, came) is not None


def _form(text: str) -> str:
    for pattern, name in _OF_THE_DAY:
        text = pattern.sub(name, text)
    return text


def follow(page: Path, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Type a page's commands into one shell, in `folder`, and return what does not come as the page says."""
    text = page.read_text(encoding="utf-8")
    typed = steps(text)
    for name, content in files(text).items():
        (folder / name).write_text(content, encoding="utf-8")
    script = folder / f"{page.stem}.sh"
    script.write_text("".join(f"{step.command}\nprintf '{_ENDED}%s{_ENDED}' $?\n" for step in typed))
    ran = subprocess.run(
        ["bash", script.name],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TIMEOUT_SECONDS,
        text=True,
        check=False,
    )
    said = ran.stdout.split(_ENDED)
    printed = [*zip(said[0::2], said[1::2], strict=False)]
    findings = [
        f"{page.name}, line {step.line}: $ {step.command}\nended with {code} and printed\n{came}"
        for step, (came, code) in zip(typed, printed, strict=False)
        if code != "0" or not is_as_shown(step.shown, came)
    ]
    if len(printed) != len(typed):
        findings.append(f"{page.name}: {len(printed)} of {len(typed)} commands ended{os.linesep}{said[-1]}")
    return findings
