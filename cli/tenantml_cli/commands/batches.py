"""Batches: a file of rows becomes the prediction of each, without an endpoint."""

from __future__ import annotations

from pathlib import Path

import click

from tenantml_cli import options
from tenantml_cli.commands.uploads import readable
from tenantml_cli.context import Context, Document, Result
from tenantml_cli.errors import Refused
from tenantml_cli.options import HOUR, Group, timeout
from tenantml_cli.sending import download as save
from tenantml_cli.sending import post_form
from tenantml_cli.text import duration, listing, moment, seconds_between
from tenantml_cli.watching import Watch

_out = click.option("--out", metavar="FILE", help="where the predictions are saved; default: MODEL-BATCH.csv here")


@click.group("batch", cls=Group, help="Files of rows to predict, without an endpoint.")
def group() -> None:
    """Hold the commands about batches."""


@group.command("run")
@options.model
@click.argument("file", metavar="FILE", help="the rows: a CSV file with a header")
@click.option("--version", metavar="VERSION", help="a version of the model; default: the live one")
@_out
@timeout(24 * HOUR)
@click.pass_obj
def run(
    context: Context, model: str, file: str, version: str | None, out: str | None, timeout_seconds: float
) -> Result:
    """Send a file of rows, wait, and save every row with its prediction.

    With the key in TENANTML_API_KEY. The exit codes are those of `watch`. A batch that outlives the wait goes on:
    `batch download` waits for it again.

        tenantml batch run churn rows.csv --out predictions.csv
        tenantml batch run churn rows.csv --version v20261122-170301-9f3c
    """
    path = readable(file)
    asked = context.api.create_batch(model, path.stat().st_size, version)
    context.tell(f"batch {asked['batch']}, of {asked['version']}")
    post_form(asked["form"]["url"], asked["form"]["fields"], path)
    return _download(context, model, asked["batch"], out, timeout_seconds)


@group.command("list")
@options.model
@options.of_tenant
@click.pass_obj
def list_batches(context: Context, model: str, tenant: str | None) -> Result:
    """List the batches of a model, the newest first: how each ended, or where it is.

    With the key in TENANTML_API_KEY, or as an operator with --tenant, who reaches no row of them.

        tenantml batch list churn
        tenantml batch list churn --tenant acme
    """
    if tenant:
        asked = {"tenant": tenant, "model": model, "batches": True}
        found = context.stack.all_pages("DescribeModelsFunction", "batches", asked)
    else:
        found = context.api.batches(model)
    names = ("batch", "version", "status", "state", "rows", "started (UTC)", "took", "kept until", "error")
    return Result({"batches": found}, listing("batches", names, [_row(row) for row in found]))


@group.command("download")
@options.model
@click.argument("batch", metavar="BATCH", help="the batch, as `batch list` shows it")
@_out
@timeout(24 * HOUR)
@click.pass_obj
def download(context: Context, model: str, batch: str, out: str | None, timeout_seconds: float) -> Result:
    """Save the predictions of a batch, when it has ended.

    With the key in TENANTML_API_KEY. They are kept for the `batch_days` of the model.

        tenantml batch download churn 6929e4a50c3b1d7f --out predictions.csv
    """
    return _download(context, model, batch, out, timeout_seconds)


def _download(context: Context, model: str, batch: str, out: str | None, timeout_seconds: float) -> Result:
    """Wait for a batch, and save what it predicted."""
    api = context.api
    shown = Watch(context.tell, lambda: api.batch(model, batch), lambda _: None)
    found = shown.by_polling(batch, timeout_seconds)
    link = found["download"]
    if link is None:
        raise Refused("NoResult", f"the predictions of {batch} were deleted at {found['expires_at']}; send it again")
    path = Path(out or f"{model}-{batch}.csv").absolute()
    save(link["url"], path)
    return Result(found | {"file": str(path)}, f"{found['rows']:,} rows with their predictions: {path}")


def _row(row: Document) -> list[object]:
    took = duration(seconds_between(row["started_at"], row["ended_at"]))
    when = [moment(row["started_at"]), took, moment(row["expires_at"])]
    return [
        row["batch"],
        row["version"],
        row["status"],
        row["state"],
        row["rows"],
        *when,
        (row["error"] or {}).get("code"),
    ]
