"""How commands take what is typed: their class, the options that all of them have, and kinds of values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import click

from tenantml_cli.context import Context
from tenantml_cli.errors import CommandError

_MOST = 1_000_000_000
HOUR = 3600.0
_BEFORE = {"return": "rollback"}  # scripts go on; no help and no completion shows it


def everywhere() -> list[click.Option]:
    """Return the options that stand before and after the name of any command."""
    return [
        click.Option(
            ["--json", "as_json"], is_flag=True, expose_value=False, callback=_set_json,
            help="print one JSON document, and no progress",
        ),
        click.Option(
            ["--stack"], metavar="STACK", expose_value=False, callback=_set_stack,
            help="the stack's name; default: TENANTML_STACK, else tenantml",
        ),
    ]  # fmt: skip


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Context).as_json = True


def _set_stack(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Context).stack_name = value


class Command(click.Command):
    """A command whose help is its function's docstring, as it is written, and which takes the options of all."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        text = inspect.cleandoc(settings["help"])
        settings |= {"help": text, "short_help": text.splitlines()[0], "params": [*settings["params"], *everywhere()]}
        super().__init__(*arguments, **settings)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the docstring without filling its lines anew, for it has examples."""
        formatter.write("\n" + "".join(f"  {line}".rstrip() + "\n" for line in str(self.help).splitlines()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            CommandError: it did not succeed; under AWS's code where AWS refused, or under the name of what broke.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - --help does without

        try:
            return super().invoke(ctx)
        except ClientError as error:
            raise CommandError(error.response["Error"].get("Code", "Unknown"), str(error)) from error
        except KeyError as error:
            raise CommandError("KeyError", f"the stack has no output {error}; deploy it again") from error
        except (BotoCoreError, OSError) as error:
            raise CommandError(type(error).__name__, str(error)) from error


class Group(click.Group):
    """Commands under one name, which takes the options of all."""

    command_class = Command

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        settings["short_help"] = settings["help"].splitlines()[0] if settings.get("help") else None
        settings["params"] = [*(settings.get("params") or []), *everywhere()]
        super().__init__(*arguments, **settings)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, or by the one that it had before."""
        return super().get_command(ctx, _BEFORE.get(cmd_name, cmd_name))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names in the order in which the commands were added."""
        return list(self.commands)


class Amount(click.ParamType[float]):
    """A number from 0 to a thousand million."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; fails as wrong usage."""
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not 0 <= found <= _MOST:
            self.fail(f"expected a number from 0 to {_MOST:,}, got {str(value)[:30]!r}", param, ctx)
        return found


class Listed(click.ParamType[list[str]]):
    """Items that are separated by commas."""

    name = "items"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:  # noqa: ARG002 - click's
        """Return the items that are not empty."""
        return value if isinstance(value, list) else [item for item in value.split(",") if item]


def timeout(seconds: float) -> Callable[[Any], Any]:
    """The option of how long to wait."""
    return click.option(
        "--timeout-seconds",
        type=Amount(),
        default=seconds,
        metavar="SECONDS",
        help=f"how long to wait; the execution goes on after that; default: {seconds:.0f}",
    )


as_operator = click.option(
    "--tenant", metavar="TENANT", help="ask as an operator; default: ask with the key in TENANTML_API_KEY"
)
model = click.argument("model", metavar="MODEL", help="the model's name")
execution = click.argument("execution", metavar="EXECUTION", help="the execution's name")
of_tenant = click.option("--tenant", metavar="TENANT", help="of this tenant, as an operator")
all_tenants = click.option("--all-tenants", is_flag=True, help="of all tenants, as an operator, whatever key is set")
