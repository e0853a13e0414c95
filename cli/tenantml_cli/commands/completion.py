"""What a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tenantml_cli.context import Result
from tenantml_cli.options import Command

_SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", metavar="SHELL", type=click.Choice(_SHELLS), help="bash (4.4 or newer), zsh or fish")
def completion(shell: str) -> Result:
    """Print what completes `tenantml` in a shell, to be put into the file that the shell reads at its start.

    For bash, zsh and fish:

        tenantml completion bash >> ~/.bashrc
        tenantml completion zsh >> ~/.zshrc
        tenantml completion fish > ~/.config/fish/completions/tenantml.fish
    """
    root = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(root, {}, "tenantml", "_TENANTML_COMPLETE").source()
    return Result({"shell": shell, "script": script}, script)
