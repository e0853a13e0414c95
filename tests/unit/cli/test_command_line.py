"""How the command line is typed: options on both sides of a command, its version, completion, and what it loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tenantml_cli.__main__ import cli, main
from tenantml_cli.commands.removal import incomplete
from tenantml_cli.context import Context
from tenantml_cli.text import duration, listing


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--stack", "other", "completion", "bash"],
        ["completion", "bash", "--json", "--stack", "other"],
        ["--json", "completion", "--stack", "other", "bash"],
    ],
)
def test_options_of_all_commands_stand_before_and_after_the_command(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["shell"] == "bash"


@pytest.mark.parametrize("arguments", [["completion", "bash", "--stack", "b"], ["--stack", "b", "completion", "bash"]])
def test_the_stack_is_the_one_that_is_named(arguments: list[str]) -> None:
    context = Context(stack_name="a")
    cli.main(arguments, standalone_mode=False, obj=context)
    assert (context.stack_name, context.as_json) == ("b", False)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "tenantml 0.1.0\n"


def test_a_command_that_was_renamed_still_works_and_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["return", "--help"]) == 0
    assert "Let a version that was live answer again" in capsys.readouterr().out
    assert "return" not in cli.commands
    assert "rollback" in cli.commands


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str) -> None:
    """What the script of each shell runs (click's documentation, "Shell Completion")."""
    words = {"COMP_WORDS": "tenantml exec", "COMP_CWORD": "exec" if shell == "fish" else "1"}
    environment = os.environ | words | {"_TENANTML_COMPLETE": f"{shell}_complete"}
    ran = subprocess.run(
        [sys.executable, "-c", "from tenantml_cli.__main__ import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "executions" in ran.stdout
    assert "watch" not in ran.stdout


def test_help_loads_no_client_of_aws() -> None:
    program = "import sys; from tenantml_cli.__main__ import main; main(['--help']); print('botocore' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("False\n")


def test_a_reader_that_has_enough_is_no_failure() -> None:
    read, write = os.pipe()
    os.close(read)
    program = [sys.executable, "-m", "tenantml_cli", "completion", "bash"]
    ran = subprocess.run(program, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_removal_that_is_not_complete_is_said_in_words() -> None:
    cause = json.dumps({"error": "CustomerAccessRevoked", "removal": "acme-0", "counts": {"removed": 0}})
    text = incomplete("acme", "tenantml tenant offboard acme --yes", cause)
    assert "We know of nothing that remains there." in text
    assert "tenantml tenant offboard acme --yes --abandon" in text
    assert "{" not in text
    several = json.loads(cause) | {"remains": ["arn:1", "arn:2"], "error": "StillChanging"}
    text = incomplete("acme", "tenantml tenant offboard acme --yes", json.dumps(several))
    assert "  arn:1\n  arn:2\n" in text
    assert "--abandon" not in text
    assert "  arn:1\n" in incomplete("acme", "again", json.dumps(several | {"remains": "arn:1"}))
    assert incomplete("acme", "again", cause[:-5]) == cause[:-5]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3599.6, "1 h 00 min"), (7505, "2 h 05 min")]
)
def test_a_duration_has_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_table_has_a_dash_for_what_is_not_there_and_one_line_for_a_row() -> None:
    shown = listing("models", ("a", "bb"), [[None, "x\ny"], ["long", 3]])
    assert shown.splitlines() == ["a     bb", "-     x y", "long  3"]
    assert listing("models", ("a",), []) == "There are no models."
