"""`tenantml`, or `python -m tenantml_cli`: reads the arguments, runs one command, and ends with its exit code.

The result goes to standard output, as one JSON document with `--json`; progress and failures go to standard error.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
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
_MOST = 1_000_000_000

_Add = Callable[[Any, str, Command], argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    typed = sys.argv[1:] if arguments is None else list(arguments)
    top = parser()
    try:
        "".join(typed).encode()
    except UnicodeEncodeError:
        top.error("an argument is not UTF-8 text")
    options = top.parse_args(typed)
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
    """Return the parser of all commands; `docs/cli.md` is generated from it."""
    top = argparse.ArgumentParser(prog="tenantml", description="Operate a deployed TenantML stack.")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="print one JSON document, and no progress")
    everywhere.add_argument(
        "--stack",
        default=os.environ.get("TENANTML_STACK", "tenantml"),
        help="the stack's name; default: TENANTML_STACK, else tenantml",
    )
    first = top.add_subparsers(required=True, metavar="COMMAND")

    def add(group: Any, name: str, command: Command) -> argparse.ArgumentParser:
        description = inspect.getdoc(command) or ""
        made: argparse.ArgumentParser = group.add_parser(
            name,
            help=description.splitlines()[0],
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[everywhere],
        )
        made.set_defaults(command=command)
        return made

    tenant = first.add_parser("tenant", help="Who the tenants are, and their keys.")
    of_tenant = tenant.add_subparsers(required=True, metavar="COMMAND")
    _tenant_commands(of_tenant, add)

    upload = add(first, "upload", commands.upload)
    upload.add_argument("destination", metavar="[TENANT/]MODEL", help="the model to train")
    upload.add_argument("file", metavar="FILE", help="a CSV file with a header; at least 500 rows with a target")
    upload.add_argument("--multipart", action="store_true", help="send parts, as it does anyway over 5 GiB")
    watch = add(first, "watch", commands.watch)
    watch.add_argument("execution", metavar="EXECUTION", help="the execution's name")
    _add_timeout(watch, 24 * _HOUR)
    deploy = add(first, "deploy", commands.deploy)
    deploy.add_argument("model", metavar="MODEL", help="the model's name")
    deploy.add_argument("execution", metavar="EXECUTION", help="the execution whose training it is")
    deploy.add_argument("--candidate", help="one of its candidates; default: the one that was chosen")
    deploy.add_argument("--instance-type", help="the endpoint's; default: as the execution's settings have it")
    deploy.add_argument(
        "--promote",
        choices=("if-not-worse", "always", "manual"),
        help="always: it goes live whatever is measured; manual: when it is approved",
    )
    deploy.add_argument("--tenant", help="deploy as an operator; default: with the key in TENANTML_API_KEY")
    approve = add(first, "approve", commands.approve)
    approve.add_argument("model", metavar="MODEL", help="the model's name")
    approve.add_argument("version", metavar="VERSION", help="a version of it that awaits an approval")
    approve.add_argument("--refuse", action="store_true", help="refuse it")
    approve.add_argument("--reason", help="why; kept with the version")
    approve.add_argument("--tenant", help="decide as an operator; default: with the key in TENANTML_API_KEY")
    return_to = add(first, "return", commands.return_to)
    return_to.add_argument("model", metavar="MODEL", help="the model's name")
    return_to.add_argument("version", metavar="VERSION", help="a version of it that was live")
    return_to.add_argument("--tenant", help="choose as an operator; default: with the key in TENANTML_API_KEY")
    predict = add(first, "predict", commands.predict)
    predict.add_argument("model", metavar="MODEL", help="the model's name")
    predict.add_argument("file", metavar="FILE", nargs="?", default="-", help="the rows; default: -, standard input")
    report = add(first, "report", commands.report)
    report.add_argument("model", metavar="MODEL", help="the model's name")
    report.add_argument("version", metavar="VERSION", nargs="?", help="a version of it; default: the live one")
    report.add_argument("--out", metavar="FILE", help="where it is saved; default: MODEL-VERSION.html here")
    report.add_argument("--open", action="store_true", help="show it in a browser")
    receipt = add(first, "receipt", commands.receipt)
    receipt.add_argument("execution", metavar="EXECUTION", help="the execution's name")
    receipt.add_argument("--tenant", help="ask as an operator; default: ask with the key in TENANTML_API_KEY")
    return top


def _tenant_commands(group: Any, add: _Add) -> None:
    def add_for_tenant(name: str, command: Command) -> argparse.ArgumentParser:
        made = add(group, name, command)
        made.add_argument("tenant", metavar="TENANT", help="the tenant's id")
        return made

    register = add_for_tenant("add", commands.tenant_add)
    register.add_argument("--account", dest="account_id", required=True, help="the customer's AWS account, 12 digits")
    register.add_argument("--region", required=True, help="where its models are trained and served")
    register.add_argument("--contact", required=True, help="an address to write to")
    register.add_argument("--kms-key", dest="kms_key_arn", help="the ARN of the customer's own key")
    register.add_argument(
        "--instance-types",
        dest="instance_types",
        type=_listed,
        help="the only instance types that endpoints may use, separated by commas",
    )
    register.add_argument(
        "--subnets", dest="subnet_ids", type=_listed, help="ids of the customer's own subnets, separated by commas"
    )
    register.add_argument(
        "--security-groups", dest="security_group_ids", type=_listed, help="ids of security groups in that VPC"
    )
    add_for_tenant("activate", commands.tenant_activate)
    add(group, "list", commands.tenant_list)
    add_for_tenant("show", commands.tenant_show)
    add_for_tenant("add-key", commands.tenant_add_key)
    rotate = add_for_tenant("rotate-key", commands.tenant_rotate_key)
    rotate.add_argument(
        "--overlap-hours", type=_amount, default=24.0, help="how long the others stay valid, at most 720; default: 24"
    )
    revoke = add_for_tenant("revoke-key", commands.tenant_revoke_key)
    revoke.add_argument("key_id", metavar="KEY", help="the key's id, as `tenant show` lists it")
    suspend = add_for_tenant("suspend", commands.tenant_suspend)
    suspend.add_argument("--reason", required=True, help="shown to the tenant")
    offboard = add_for_tenant("offboard", commands.tenant_offboard)
    offboard.add_argument("--model", help="remove this model only")
    offboard.add_argument("--yes", action="store_true", help="confirm; a removal cannot be undone")
    offboard.add_argument("--keep-artefacts", action="store_true", help="leave the objects in the customer's bucket")
    offboard.add_argument(
        "--abandon",
        action="store_true",
        help="forget the tenant although its account refuses us; the report names what remains there",
    )
    _add_timeout(offboard, _HOUR)


def _listed(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_MOST:,}, got {text[:30]!r}")
    return value


def _add_timeout(command: argparse.ArgumentParser, seconds: float) -> None:
    command.add_argument(
        "--timeout-seconds",
        type=_amount,
        default=seconds,
        help=f"how long to wait; the execution goes on after that; default: {seconds:.0f}",
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
