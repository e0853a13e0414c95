"""`docs/cli.md` has a section for each command, with each of its options, and every exit code."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenantml_cli import errors
from tenantml_cli.__main__ import parser

_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def _commands(found: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    groups = [action for action in found._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield found
    for group in groups:
        for inner in group.choices.values():
            yield from _commands(inner)


COMMANDS = {found.prog: found for found in _commands(parser())}


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", _PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_there_are_commands_to_look_at() -> None:
    assert {"tenantml tenant add", "tenantml watch"} <= COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_section_with_an_example_and_all_its_options(command: str) -> None:
    section = _sections()[command]
    assert re.search(rf"^`{command}\b.*`$", section, flags=re.MULTILINE)
    everywhere = {"--help", "--json", "--stack"}
    options = {option for action in COMMANDS[command]._actions for option in action.option_strings} - {"-h"}
    assert [option for option in sorted(options - everywhere) if f"`{option}`" not in section] == []


def test_each_section_is_of_a_command_that_there_is() -> None:
    assert {title for title in _sections() if title.startswith("tenantml ")} == COMMANDS.keys()


def test_each_exit_code_is_listed() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", _sections()["Exit codes"], flags=re.MULTILINE)}
    assert listed == {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
