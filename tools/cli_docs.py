"""The reference of the command line, from its parameters."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tenantml_cli.__main__ import cli
from tenantml_cli.errors import MEANINGS
from tenantml_cli.options import everywhere

Row = tuple[str, str]


def reference() -> str:
    """Return the options and exit codes of all commands, and a section of each."""
    shared = [*everywhere(), *(option for option in cli.params if option.name == "version")]
    parts = ["## Every command", _table("option", map(_row, shared)), "## Exit codes", _exit_codes()]
    everybodys = [option.opts for option in shared]
    for name, command in commands().items():
        own = [_row(parameter) for parameter in command.params if parameter.opts not in everybodys]
        parts += [f"## {name}", str(command.help), *([_table("argument", own)] if own else [])]
    return "\n\n".join(parts)


def commands() -> dict[str, click.Command]:
    """Return each command under the words that run it."""
    return dict(_commands("tenantml", cli))


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for inner, found in command.commands.items():
            yield from _commands(f"{name} {inner}", found)
    else:
        yield name, command


def _row(parameter: click.Parameter) -> Row:
    is_option = isinstance(parameter, click.Option)
    value = "" if getattr(parameter, "is_flag", False) else str(parameter.metavar)
    names = " ".join([*parameter.opts, value]).strip() if is_option else value
    required = "; required" if is_option and parameter.required else ""
    return f"`{names}`", f"{getattr(parameter, 'help', '')}{required}"


def _table(title: str, rows: Iterator[Row] | list[Row]) -> str:
    return "\n".join([f"| {title} | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])


def _exit_codes() -> str:
    lines = [f"| {code} | {meaning} | {on_stderr} |" for code, (meaning, on_stderr) in MEANINGS.items()]
    return "\n".join(["| code | meaning | on standard error |", "|---|---|---|", *lines])
