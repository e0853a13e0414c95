"""Models and their versions: what answers, what waits, and what is returned to."""

from __future__ import annotations

import csv
import io
import sys
import webbrowser
from pathlib import Path

import click

from tenantml_cli import options
from tenantml_cli.commands.uploads import readable
from tenantml_cli.context import Context, Document, Result
from tenantml_cli.options import Command
from tenantml_cli.text import figure, listing, moment


@click.command(cls=Command)
@options.of_tenant
@options.all_tenants
@click.pass_obj
def models(context: Context, tenant: str | None, all_tenants: bool) -> Result:
    """List models: what each predicts, and which of its versions answers, or did when it was paused.

    With the key in TENANTML_API_KEY the tenant's own; else, or with --tenant or --all-tenants, as an operator.

        tenantml models --tenant acme
    """
    if context.is_operator(tenant, all_tenants):
        found = context.stack.all_pages("DescribeModelsFunction", "models", {"tenant": tenant})
    else:
        found = context.api.all_pages("/models", "models")
    names = ("tenant", "model", "target", "state", "version", "changed (UTC)")
    rows = [
        [row.get("tenant"), row["model"], row["settings"]["target"], *_standing(row), moment(row["updated_at"])]
        for row in found
    ]
    return Result({"models": found}, listing("models", names, rows))


def _standing(row: Document) -> tuple[str, str | None]:
    """Whether a model answers, and with which version, or with which it did when it was paused."""
    state = row["state"]
    error = f" ({state['error']['code']})" if state["error"] else ""
    return f"{state['status']}{error}", row["live_version"] or state["paused_version"]


@click.command(cls=Command)
@options.model
@options.of_tenant
@click.pass_obj
def versions(context: Context, model: str, tenant: str | None) -> Result:
    """List the versions of a model, the newest first: status, what it is worth, and why it does not answer.

    With the key in TENANTML_API_KEY, or as an operator with --tenant.

        tenantml versions churn
        tenantml versions churn --tenant acme
    """
    if tenant:
        found = context.stack.all_pages("DescribeModelsFunction", "versions", {"tenant": tenant, "model": model})
    else:
        found = context.api.versions(model)
    names = ("version", "live", "status", "candidate", "metric", "value", "created (UTC)", "error")
    return Result({"versions": found}, listing("versions", names, [_row(row) for row in found]))


def _row(row: Document) -> list[object]:
    objective, error = row["objective"] or {}, (row["error"] or {}).get("code")
    measured = [objective.get("name"), figure(objective.get("value"))]
    live = "live" if row["live"] else None
    return [row["version"], live, row["status"], row["candidate"], *measured, moment(row["created_at"]), error]


@click.command(cls=Command)
@options.model
@options.execution
@click.option("--candidate", metavar="NAME", help="one of its candidates; default: the one that was chosen")
@click.option("--instance-type", metavar="TYPE", help="the endpoint's; default: as the execution's settings have it")
@click.option(
    "--promote",
    type=click.Choice(("if-not-worse", "always", "manual")),
    metavar="HOW",
    help="if-not-worse; always: it goes live whatever is measured; manual: when it is approved",
)
@click.option("--tenant", metavar="TENANT", help="deploy as an operator; default: with the key in TENANTML_API_KEY")
@click.pass_obj
def deploy(context: Context, /, model: str, tenant: str | None, **asked: str | None) -> Result:
    """Deploy a candidate of a training that is kept.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. Another candidate than the one that was
    chosen, the same again, or on another instance. It becomes a version of its own, next to the live one, and is
    promoted when the holdout says that it may be, or always.

        tenantml deploy churn acme-churn-0f3c9a8b7d6e5f41 --candidate LightGBM-L1-FULL-t1
        tenantml deploy churn acme-churn-0f3c9a8b7d6e5f41 --promote always --tenant acme
    """
    request = {name: value for name, value in asked.items() if value}
    if tenant:
        found = context.stack.call("DeployVersionFunction", {"tenant": tenant, "model": model} | request)
    else:
        found = context.api.deploy(model, request)
    return Result(found, f"{found['version']} is being deployed.\n\n{_how_it_goes(model)}")


@click.command(cls=Command)
@options.model
@click.argument("version", metavar="VERSION", help="a version of it that awaits an approval")
@click.option("--refuse", is_flag=True, help="refuse it")
@click.option("--reason", metavar="TEXT", help="why; kept with the version")
@click.option("--tenant", metavar="TENANT", help="decide as an operator; default: with the key in TENANTML_API_KEY")
@click.pass_obj
def approve(context: Context, model: str, version: str, refuse: bool, reason: str | None, tenant: str | None) -> Result:
    """Approve a version that awaits an approval, or refuse it, and let its deployment go on.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. The first decision counts, and a repeat says the
    same. A refused version loses its endpoint, and its candidate can be deployed again.

        tenantml approve churn v20261122-170301-9f3c --reason "the numbers of May are in"
        tenantml approve churn v20261122-170301-9f3c --refuse --tenant acme
    """
    decision = {"decision": "refuse" if refuse else "approve"} | ({"reason": reason} if reason else {})
    if tenant:
        whose = {"tenant": tenant, "model": model, "version": version}
        found = context.stack.call("DecideApprovalFunction", whose | decision)
    else:
        found = context.api.decide(model, version, decision)
    return Result(found, f"{version} is {'refused' if refuse else 'approved'}.")


@click.command(cls=Command)
@options.model
@click.argument("version", metavar="VERSION", help="a version of it that was live")
@click.option("--tenant", metavar="TENANT", help="choose as an operator; default: with the key in TENANTML_API_KEY")
@click.pass_obj
def rollback(context: Context, model: str, version: str, tenant: str | None) -> Result:
    """Let a version that was live answer again.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. At once while its endpoint stands; else its
    candidate is deployed anew, and the live version answers until then.

        tenantml rollback churn v20261122-170301-9f3c
        tenantml rollback churn v20261122-170301-9f3c --tenant acme
    """
    if tenant:
        whose = {"tenant": tenant, "model": model, "version": version}
        found = context.stack.call("ReturnVersionFunction", whose)
    else:
        found = context.api.return_to(model, version)
    if found["live"]:
        return Result(found, f"{version} answers again.")
    return Result(found, f"{found['version']} is being deployed, to return to {version}.\n\n{_how_it_goes(model)}")


@click.command(cls=Command)
@options.model
@click.option("--tenant", metavar="TENANT", help="pause as an operator; default: with the key in TENANTML_API_KEY")
@click.pass_obj
def pause(context: Context, model: str, tenant: str | None) -> Result:
    """Remove what a model costs while nobody calls it: its endpoint.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. Nothing answers until it is resumed; the model
    and its training stay.

        tenantml pause churn
        tenantml pause churn --tenant acme
    """
    found = _set_paused(context, model, tenant, paused=True)
    return Result(found, f"{model} is paused; its endpoint goes in minutes.")


@click.command(cls=Command)
@options.model
@click.option("--tenant", metavar="TENANT", help="resume as an operator; default: with the key in TENANTML_API_KEY")
@click.pass_obj
def resume(context: Context, model: str, tenant: str | None) -> Result:
    """Let a paused model answer again.

    With the key in TENANTML_API_KEY, or as an operator with --tenant. At once while its endpoint still stands; else it
    is made anew, which takes minutes.

        tenantml resume churn
        tenantml resume churn --tenant acme
    """
    found = _set_paused(context, model, tenant, paused=False)
    if found["live_version"]:
        return Result(found, f"{model} answers with {found['live_version']}.")
    return Result(found, f"{model} is being resumed, as {found['state']['resumes_as']}.\n\n{_how_it_goes(model)}")


@click.command(cls=Command)
@options.model
@click.argument("file", metavar="FILE", required=False, default="-", help="the rows; default: -, standard input")
@click.pass_obj
def predict(context: Context, model: str, file: str) -> Result:
    """Predict rows, CSV with a header or the API's JSON, with the key in TENANTML_API_KEY.

    Prints CSV, or with --json the API's answer.

        tenantml predict churn rows.csv
    """
    body = sys.stdin.buffer.read() if file == "-" else readable(file).read_bytes()
    content_type = "application/json" if body.lstrip()[:1] == b"{" else "text/csv"
    found = context.api.send_rows(model, body, content_type)
    rows = [{**row} for row in found["predictions"]]
    for row in rows:
        row.pop("probabilities", None)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Result(found, out.getvalue().rstrip("\n"))


@click.command(cls=Command)
@options.model
@click.argument("version", metavar="VERSION", required=False, help="a version of it; default: the live one")
@click.option("--out", metavar="FILE", help="where it is saved; default: MODEL-VERSION.html here")
@click.option("--open", "show", is_flag=True, help="show it in a browser")
@click.pass_obj
def report(context: Context, model: str, version: str | None, out: str | None, show: bool) -> Result:
    """Save the model report of a version as an HTML file, with the key in TENANTML_API_KEY.

    It holds all it needs, so it can be opened, printed and passed on without a network.

        tenantml report churn --open
        tenantml report churn v20261122-170301-9f3c --out churn.html
    """
    version = version or context.api.live_version(model)
    path = Path(out or f"{model}-{version}.html").absolute()
    path.write_text(context.api.report(model, version), encoding="utf-8")
    if show:
        webbrowser.open(path.as_uri())
    return Result({"version": version, "file": str(path)}, path.as_uri())


def _set_paused(context: Context, model: str, tenant: str | None, *, paused: bool) -> Document:
    if tenant:
        return context.stack.call("PauseModelFunction", {"tenant": tenant, "model": model, "paused": paused})
    return context.api.set_paused(model, paused=paused)


def _how_it_goes(model: str) -> str:
    return f"To see how it goes: tenantml versions {model}"
