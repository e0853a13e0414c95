"""Write the reference part of the command line's page: `python -m tools.cli_docs`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from tenantml_cli.__main__ import parser
from tenantml_cli.errors import MEANINGS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
_BEGIN, _END = "<!-- generated: cli -->\n", "<!-- /generated -->"

Row = tuple[str, str]


def page() -> str:
    """Return the page with its reference part as the parser has it; the prose around it stays."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return f"{before}{_BEGIN}\n{_reference()}\n{_END}{rest.partition(_END)[2]}"


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return each command's parser under what is typed to run it."""
    return {command.prog: command for command in _commands(parser())}


def _commands(group: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    # argparse has no public way to look at a parser.
    inner = [action.choices for action in group._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    for choices in inner:
        for command in choices.values():
            yield from _commands(command)
    if not inner:
        yield group


def _reference() -> str:
    rows = {name: [*_rows(command)] for name, command in commands().items()}
    everywhere = [row for row in next(iter(rows.values())) if all(row in others for others in rows.values())]
    parts = ["## Every command", _table("option", everywhere), "## Exit codes", _exit_codes()]
    for name, command in commands().items():
        own = [row for row in rows[name] if row not in everywhere]
        parts += [f"## {name}", str(command.description), *([_table("argument", own)] if own else [])]
    return "\n\n".join(parts) + "\n"


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


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
