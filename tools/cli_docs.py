"""The reference of the command line, from its parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tenantml_cli.__main__ import parser
from tenantml_cli.errors import MEANINGS

Row = tuple[str, str]


def reference() -> str:
    """Return the options and exit codes of all commands, and a section of each."""
    rows = {name: [*_rows(command)] for name, command in commands().items()}
    everywhere = [row for row in next(iter(rows.values())) if all(row in others for others in rows.values())]
    parts = ["## Every command", _table("option", everywhere), "## Exit codes", _exit_codes()]
    for name, command in commands().items():
        own = [row for row in rows[name] if row not in everywhere]
        parts += [f"## {name}", str(command.description), *([_table("argument", own)] if own else [])]
    return "\n\n".join(parts)


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return each command's parser under the words that run it."""
    return {command.prog: command for command in _commands(parser())}


def _commands(group: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    # argparse has no public way to read a parser.
    inner = [action.choices for action in group._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    for choices in inner:
        for command in choices.values():
            yield from _commands(command)
    if not inner:
        yield group


def _rows(command: argparse.ArgumentParser) -> Iterator[Row]:
    for action in command._actions:  # noqa: SLF001 - as above
        if "--help" not in action.option_strings:
            value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
            name = " ".join([*action.option_strings, value]).strip()
            is_optional = not action.required and bool(action.option_strings)
            yield f"`{name}`", f"{action.help}{'' if is_optional or not action.option_strings else '; required'}"


def _table(title: str, rows: list[Row]) -> str:
    return "\n".join([f"| {title} | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])


def _exit_codes() -> str:
    lines = [f"| {code} | {meaning} | {on_stderr} |" for code, (meaning, on_stderr) in MEANINGS.items()]
    return "\n".join(["| code | meaning | on standard error |", "|---|---|---|", *lines])
