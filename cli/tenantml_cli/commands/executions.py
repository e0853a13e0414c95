"""Executions: what became of uploads, for operators and for tenants with their key."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import click

from tenantml_cli import options
from tenantml_cli.context import Context, Document, Result
from tenantml_cli.options import HOUR, Command, timeout
from tenantml_cli.text import duration, listing, moment, seconds_between, table
from tenantml_cli.watching import Watch

_STATUSES = ("running", "succeeded", "failed", "superseded", "duplicate")
_MOST = 100


@click.command(cls=Command)
@options.of_tenant
@options.all_tenants
@click.option("--model", metavar="MODEL", help="of this model only")
@click.option(
    "--status", type=click.Choice(_STATUSES), metavar="STATUS", help="of this status only: " + ", ".join(_STATUSES)
)
@click.option("--failed", "status", flag_value="failed", help="the same as --status failed")
@click.option("--limit", type=click.IntRange(1, _MOST), default=20, metavar="N", help="the newest N; default: 20")
@click.pass_obj
def executions(
    context: Context, tenant: str | None, all_tenants: bool, model: str | None, status: str | None, limit: int
) -> Result:
    """List executions, the newest first: how each upload ended, or where it is.

    With the key in TENANTML_API_KEY the tenant's own; else, or with --tenant or --all-tenants, as an operator.

        tenantml executions --failed
        tenantml executions --tenant acme --model churn
    """
    asked = {"model": model, "status": status}
    if context.is_operator(tenant, all_tenants):
        found = context.stack.call("DescribeExecutionsFunction", asked | {"tenant": tenant, "limit": limit})[
            "executions"
        ]
    else:
        found = context.api.all_pages("/executions", "executions", most=limit, limit=str(limit), **asked)
    names = ("execution", "tenant", "model", "status", "state", "started (UTC)", "took", "error")
    return Result({"executions": found}, listing("executions", names, [_row(row) for row in found]))


def _row(row: Document) -> list[object]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    took = duration(seconds_between(row["started_at"], row["ended_at"] or now))
    error = (row["error"] or {}).get("code")
    return [
        row["execution"],
        row["tenant"],
        row["model"],
        row["status"],
        row["state"],
        moment(row["started_at"]),
        took,
        error,
    ]


@click.command(cls=Command)
@options.execution
@options.of_tenant
@timeout(24 * HOUR)
@click.pass_obj
def watch(context: Context, execution: str, tenant: str | None, timeout_seconds: float) -> Result:
    """Tell what an execution does until it is over: states, candidates as they are measured, and when.

    With the key in TENANTML_API_KEY by asking the API; else, or with --tenant, as an operator. An execution that an
    upload is about to start may be named at once. The exit code is 4, under the name of the failure, when the execution
    fails, and 5 when it outlives the wait.

        tenantml watch acme-churn-0f3c9a8b7d6e5f41
    """
    if context.is_operator(tenant):
        asked = {"execution": execution} | ({"tenant": tenant} if tenant else {})
        stack = context.stack

        def look() -> Document:
            found: Document = stack.call("DescribeExecutionsFunction", asked)["executions"][0]
            return found

        def most(model: str) -> int | None:
            owner = look()["tenant"]
            rows = stack.all_pages("DescribeModelsFunction", "models", {"tenant": owner})
            return next((row["settings"].get("max_candidates") for row in rows if row["model"] == model), None)

        shown = Watch(context.tell, look, most)
        output = stack.follow_upload(execution, timeout_seconds, shown.show)
    else:
        api = context.api
        shown = Watch(
            context.tell, lambda: api.execution(execution), lambda model: api.model(model)["settings"]["max_candidates"]
        )
        output = shown.by_polling(execution, timeout_seconds)
    version = output.get("version")
    batch = output.get("batch")
    then = f" {batch} has its result: tenantml batch download {output['model']} {batch}" if batch else ""
    text = f"{execution} succeeded." + (then or (f" {version} answers." if version else ""))
    return Result({"execution": execution, "status": "succeeded", "version": version, "output": output}, text)


@click.command(cls=Command)
@options.execution
@click.pass_obj
def logs(context: Context, execution: str) -> Result:
    """Print what the platform's functions logged of an execution of any state machine, as an operator: of a training
    with its deployment, of a removal by its name, of a rescue with what it is about.

    Names, ids and codes: no line holds a tenant's data. With --json each line has all its fields.

        tenantml logs acme-churn-0f3c9a8b7d6e5f41
    """
    lines = [_fields(line) for line in context.stack.logs(execution)]
    names = ("time (UTC)", "level", "where", "message", "code", "reason")
    rows = [
        [moment(line["time"]), line.get("level"), _where(line), *map(line.get, ("message", "code", "reason"))]
        for line in lines
    ]
    traces = [f"\n{line['exception']}" for line in lines if line.get("exception")]
    return Result({"execution": execution, "lines": lines}, "\n".join([listing("lines", names, rows), *traces]))


def _where(line: Document) -> str | None:
    """The state in which a line was logged, else the function without what the stack adds to its name."""
    named = re.search(r"-(\w+)Function-", str(line.get("function")))
    state: str | None = line.get("state") or (named and named[1])
    return state


def _fields(line: Document) -> Document:
    """A line's fields; one that is no JSON, as Lambda's own are, is a message."""
    when = datetime.fromtimestamp(line["time"] / 1000, UTC).isoformat(timespec="milliseconds")
    try:
        found = json.loads(line["line"])
    except ValueError:
        found = None
    return (found if isinstance(found, dict) else {"message": line["line"]}) | {"time": when}


@click.command(cls=Command)
@options.execution
@click.option("--reason", default="stopped by an operator", metavar="TEXT", help="why; kept by Step Functions")
@click.pass_obj
def stop(context: Context, execution: str, reason: str) -> Result:
    """Stop an execution as an operator: its training, or its deployment if that runs by now; or a batch.

    What it created is removed; it ends as ExecutionStopped. A training that is complete is kept, so that its candidates
    can be deployed.

        tenantml stop acme-churn-0f3c9a8b7d6e5f41 --reason "the wrong file"
    """
    stopped = context.stack.stop(execution, reason)
    text = f"{execution} is stopped, and what it created is being removed.\n\nTo see how it ended: tenantml executions"
    return Result({"execution": execution, "stopped": stopped}, text)


@click.command(cls=Command)
@options.execution
@options.as_operator
@click.pass_obj
def receipt(context: Context, execution: str, tenant: str | None) -> Result:
    """Print what an execution did in the customer's account, call by call.

    A tenant sees its own receipts with its API key, an operator those of any tenant.

        tenantml receipt acme-churn-0f3c9a8b7d6e5f41 --tenant acme
    """
    found = context.stack.receipt(tenant, execution) if tenant else context.api.receipt(execution)
    names = ("number", "time", "action", "outcome", "resource")
    return Result(found, table(names, [[entry.get(name) for name in names] for entry in found["entries"]]))
