"""The removal of a tenant or of a model, and what is said when it cannot be completed."""

from __future__ import annotations

import json
import uuid

import click

from tenantml_cli.context import Context, Document, Result
from tenantml_cli.errors import Failed, Refused
from tenantml_cli.options import HOUR, Command, timeout


@click.command("offboard", cls=Command)
@click.argument("tenant", metavar="TENANT", help="the tenant's id")
@click.option("--model", metavar="MODEL", help="remove this model only")
@click.option("--yes", is_flag=True, help="confirm; a removal cannot be undone")
@click.option("--keep-artefacts", is_flag=True, help="leave the objects in the customer's bucket")
@click.option("--keep-models", is_flag=True, help="leave the live models serving without us; of a whole tenant")
@click.option(
    "--abandon",
    is_flag=True,
    help="forget the tenant although its account refuses us; the report names what remains there",
)
@timeout(HOUR)
@click.pass_obj
def offboard(
    context: Context,
    tenant: str,
    model: str | None,
    yes: bool,
    keep_artefacts: bool,
    keep_models: bool,
    abandon: bool,
    timeout_seconds: float,
) -> Result:
    """Remove all that was made for a tenant, or for one of its models, and print the report.

    The report lists what was removed, what was kept, and what AWS cannot remove. After a failure, repeat the command:
    the removal resumes where it stopped. A tenant that never applied the template, or has deleted its stack, is removed
    with --abandon: its account does not let us in.

        tenantml tenant offboard acme --yes
    """
    what = f"{tenant}/{model}" if model else tenant
    if not yes:
        raise Refused("NotConfirmed", f"this removes all of {what}, for good; repeat it with --yes")
    request: Document = {"tenant": tenant}
    request |= {"model": model} if model else {}
    keep = [name for name, is_kept in {"artefacts": keep_artefacts, "models": keep_models}.items() if is_kept]
    request |= {"keep": keep} if keep else {}
    request |= {"abandon": True} if abandon else {}
    name = f"{tenant}-{uuid.uuid4().hex[:16]}"
    try:
        report = context.stack.remove(name, request, timeout_seconds, context.tell)
    except Failed as error:
        if error.code != "RemovalIncomplete":
            raise
        again = f"tenantml tenant offboard {tenant} --yes" + (f" --model {model}" if model else "")
        raise Failed(error.code, incomplete(what, again, str(error))) from error
    return Result({"offboarding": name, "report": report}, f"{what} is removed.\n\n{_report(report)}")


def incomplete(what: str, again: str, cause: str) -> str:
    """Return in words what the cause of `RemovalIncomplete` says, and what to do next: `again` is the command.

    A cause that was cut off is returned as it is: AWS keeps 32,000 characters (`statemachine/offboarding.asl.json`).
    """
    try:
        found = json.loads(cause)
        stopped_by, removal = found["error"], found["removal"]
    except (ValueError, KeyError, TypeError):
        return cause
    remains = found.get("remains") or []
    arns = [remains] if isinstance(remains, str) else remains  # JSONata makes of a list of one its entry
    lines = [f"{what} is removed in part only; {stopped_by} stopped it. The report is {removal}."]
    lines += (
        ["What remains there:", *(f"  {arn}" for arn in arns)] if arns else ["We know of nothing that remains there."]
    )
    if stopped_by == "CustomerAccessRevoked":
        lines += [
            "The customer's account does not let us in: the template was never applied, or its stack was changed or",
            "deleted. When the customer has applied it again, repeat the command, and the removal goes on. To forget",
            f"{what} without that, and leave to the customer what remains: {again} --abandon",
        ]
    else:
        lines += [
            f"What to do about {stopped_by}: docs/errors.md. Then repeat the command, and the removal goes on: {again}"
        ]
    return "\n".join(lines)


def _report(report: Document) -> str:
    lines = []
    for fate in ("removed", "kept", "impossible", "remains"):
        lines += [f"{fate}: {len(report[fate])}", *(f"  {_entry(item)}" for item in report[fate])]
    return "\n".join(lines)


def _entry(item: Document) -> str:
    objects = f" ({item['objects']})" if "objects" in item else ""
    reason = f": {item['reason']}" if "reason" in item else ""
    return f"{item['arn']}{objects}{reason}"
