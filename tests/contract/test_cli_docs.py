"""The command line's reference has examples that its parser takes, and every exit code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import tenantml_cli
from tenantml_cli.__main__ import cli
from tenantml_cli.errors import MEANINGS, OWN_ERRORS, CommandError
from tools.cli_docs import commands


def test_there_are_commands_to_look_at() -> None:
    assert {"tenantml tenant add", "tenantml watch"} <= commands().keys()


@pytest.mark.parametrize("name", commands())
def test_each_command_has_an_example_that_can_be_typed(name: str) -> None:
    examples = re.findall(r"^    tenantml ([^>\n]+)", str(commands()[name].help), flags=re.MULTILINE)
    assert examples
    for example in examples:
        command: click.Command = cli
        typed, path, context = shlex.split(example), "tenantml", click.Context(cli, info_name="tenantml")
        while isinstance(command, click.Group):
            path, inner = f"{path} {typed[0]}", command.get_command(context, typed[0])
            assert inner is not None
            context = inner.make_context(typed[0], typed[1:], parent=context)
            command, typed = inner, typed[1:]
        assert path == name


def test_each_error_of_the_command_lines_own_is_listed() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(tenantml_cli.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'Refused\(\s*"(\w+)"', sources)) == set(OWN_ERRORS)


def test_each_way_to_fail_has_an_exit_code_that_is_listed() -> None:
    assert {kind.exit_code for kind in (CommandError, *CommandError.__subclasses__())} <= MEANINGS.keys()
