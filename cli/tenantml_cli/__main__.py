"""`tenantml`, or `python -m tenantml_cli`: reads the arguments, runs one command, and ends with its exit code.

The result goes to standard output, as one JSON document with `--json`; progress and failures go to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantml_cli import commands
from tenantml_cli.commands import Command, Context
from tenantml_cli.errors import DONE, INTERRUPTED, UNEXPECTED, CommandError
from tenantml_cli.stack import Stack

_HOUR = 3600.0

_Add = Callable[[Any, str, Command], argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    context = Context(options, Stack(options.stack), _tell_nobody if options.json else _tell)
    command: Command = options.command
    try:
        result = command(context)
    except CommandError as error:
        return _failed(options.json, error.code, str(error), error.exit_code)
    except ClientError as error:
        found = error.response["Error"]
        return _failed(options.json, found.get("Code", "Unknown"), str(error), UNEXPECTED)
    except (BotoCoreError, OSError, KeyError) as error:
        message = f"the stack has no output {error}; deploy it again" if isinstance(error, KeyError) else str(error)
        return _failed(options.json, type(error).__name__, message, UNEXPECTED)
    except KeyboardInterrupt:
        return _failed(options.json, "Interrupted", "interrupted; what was started goes on", INTERRUPTED)
    print(json.dumps(result.document, indent=2) if options.json else result.text)
    return DONE


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; `docs/cli.md` has a section for each."""
    top = argparse.ArgumentParser(prog="tenantml", description="Operate a deployed TenantML stack.")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="print one JSON document, and no progress")
    everywhere.add_argument(
        "--stack", default=os.environ.get("TENANTML_STACK", "tenantml"), help="the stack's name (TENANTML_STACK)"
    )
    first = top.add_subparsers(required=True, metavar="COMMAND")

    def add(group: Any, name: str, command: Command) -> argparse.ArgumentParser:
        said = command.__doc__ or ""
        made: argparse.ArgumentParser = group.add_parser(name, help=said, description=said, parents=[everywhere])
        made.set_defaults(command=command)
        return made

    tenant = first.add_parser("tenant", help="Who the tenants are, and their keys.")
    of_tenant = tenant.add_subparsers(required=True, metavar="COMMAND")
    _tenant_commands(of_tenant, add)

    found = add(first, "upload", commands.upload)
    found.add_argument("destination", metavar="[TENANT/]MODEL")
    found.add_argument("file", metavar="FILE")
    found.add_argument("--multipart", action="store_true", help="in parts at any size; over 5 GiB it is so anyway")
    found = add(first, "watch", commands.watch)
    found.add_argument("execution", metavar="EXECUTION")
    _add_timeout(found, 24 * _HOUR)
    found = add(first, "predict", commands.predict)
    found.add_argument("model", metavar="MODEL")
    found.add_argument("file", metavar="FILE", nargs="?", default="-", help="- is standard input (default)")
    found = add(first, "receipt", commands.receipt)
    found.add_argument("execution", metavar="EXECUTION")
    found.add_argument("--tenant", help="ask as an operator, for this tenant; without it the API key asks")
    return top


def _tenant_commands(group: Any, add: _Add) -> None:
    found = add(group, "add", commands.tenant_add)
    found.add_argument("tenant", metavar="TENANT")
    found.add_argument("--account", dest="account_id", required=True, help="the customer's AWS account, 12 digits")
    found.add_argument("--region", required=True, help="where its models are trained and served")
    found.add_argument("--contact", required=True, help="whom to write to")
    found.add_argument("--kms-key", dest="kms_key_arn", help="the customer's own key, as ARN, if it insists on one")
    found.add_argument(
        "--subnets", dest="subnet_ids", type=_listed, help="of the customer's own VPC, with commas between"
    )
    found.add_argument("--security-groups", dest="security_group_ids", type=_listed, help="of that VPC, alike")
    add(group, "list", commands.tenant_list)
    for name, command in (
        ("activate", commands.tenant_activate),
        ("show", commands.tenant_show),
        ("add-key", commands.tenant_add_key),
    ):
        add(group, name, command).add_argument("tenant", metavar="TENANT")
    found = add(group, "rotate-key", commands.tenant_rotate_key)
    found.add_argument("tenant", metavar="TENANT")
    found.add_argument("--overlap-hours", type=float, default=24.0, help="how long the others stay valid (24)")
    found = add(group, "revoke-key", commands.tenant_revoke_key)
    found.add_argument("tenant", metavar="TENANT")
    found.add_argument("key_id", metavar="KEY", help="its id, as `tenant show` lists it")
    found = add(group, "suspend", commands.tenant_suspend)
    found.add_argument("tenant", metavar="TENANT")
    found.add_argument("--reason", required=True, help="shown to the tenant")
    found = add(group, "offboard", commands.tenant_offboard)
    found.add_argument("tenant", metavar="TENANT")
    found.add_argument("--model", help="remove this model only")
    found.add_argument("--yes", action="store_true", help="really; it cannot be taken back")
    found.add_argument("--keep-artefacts", action="store_true", help="leave what lies in the customer's bucket")
    found.add_argument(
        "--abandon", action="store_true", help="forget the tenant although its account lets us in no more"
    )
    _add_timeout(found, _HOUR)


def _listed(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


def _add_timeout(found: argparse.ArgumentParser, default: float) -> None:
    found.add_argument(
        "--timeout-seconds", type=float, default=default, help=f"how long to wait ({default:.0f}); it goes on after it"
    )


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _tell_nobody(_: str) -> None:
    pass


def _failed(as_json: bool, code: str, message: str, exit_code: int) -> int:
    text = json.dumps({"error": {"code": code, "message": message}}) if as_json else f"tenantml: {code}: {message}"
    print(text, file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
