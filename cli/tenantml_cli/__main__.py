"""`tenantml`, or `python -m tenantml_cli`: reads the arguments, runs one command, and ends with its exit code.

The result goes to standard output, as one JSON document with `--json`; progress and failures go to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from tenantml_cli.commands import batches, completion, costs, executions, models, removal, tenants, uploads, webhooks
from tenantml_cli.context import Context, Result
from tenantml_cli.errors import DONE, INTERRUPTED, USAGE, CommandError
from tenantml_cli.options import Group


@click.group(cls=Group, name="tenantml", context_settings={"max_content_width": 120})
@click.version_option(package_name="tenantml", message="%(prog)s %(version)s")
def cli() -> None:
    """Operate a deployed TenantML stack."""


for command in (
    tenants.group,
    tenants.limit,
    uploads.upload,
    executions.executions,
    executions.watch,
    executions.logs,
    executions.stop,
    executions.receipt,
    models.models,
    models.versions,
    models.deploy,
    models.approve,
    models.rollback,
    models.pause,
    models.resume,
    models.predict,
    batches.group,
    models.report,
    costs.quote,
    costs.usage,
    webhooks.group,
    completion.completion,
):
    cli.add_command(command)
tenants.group.add_command(removal.offboard)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    typed = sys.argv[1:] if arguments is None else list(arguments)
    context = Context()
    try:
        "".join(typed).encode()
    except UnicodeEncodeError:
        print("Usage: tenantml [OPTIONS] COMMAND\n\nError: an argument is not UTF-8 text", file=sys.stderr)
        return USAGE
    try:
        result = cli.main(typed, prog_name=cli.name, standalone_mode=False, obj=context)
    except click.UsageError as error:
        error.show()
        return USAGE
    except CommandError as error:
        return _failed(context, error.code, str(error), error.exit_code)
    except click.Abort:  # what click makes of Ctrl-C
        return _failed(context, "Interrupted", "interrupted; what was started goes on", INTERRUPTED)
    if isinstance(result, Result):  # else it was --help or --version
        try:
            print(json.dumps(result.document, indent=2) if context.as_json else result.text, flush=True)
        except BrokenPipeError:  # the reader, such as head, has enough; nothing is left for the interpreter to flush
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _failed(context: Context, code: str, message: str, exit_code: int) -> int:
    text = (
        json.dumps({"error": {"code": code, "message": message}}) if context.as_json else f"tenantml: {code}: {message}"
    )
    print(text, file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
