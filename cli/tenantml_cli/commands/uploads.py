"""Datasets."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tenantml_cli.context import Context, Result
from tenantml_cli.errors import Refused
from tenantml_cli.options import Command

_START_SECONDS = 30.0  # from S3's event to the execution


@click.command(cls=Command)
@click.argument("destination", metavar="[TENANT/]MODEL", help="the model to train")
@click.argument("file", metavar="FILE", help="a CSV file with a header; at least 500 rows with a target")
@click.option("--multipart", is_flag=True, help="send parts, as it does anyway over 5 GiB")
@click.pass_obj
def upload(context: Context, destination: str, file: str, multipart: bool) -> Result:
    """Send a dataset, which starts a training.

    TENANT/MODEL uploads with the operator's own credentials. MODEL alone uploads as the tenant does, with the key in
    TENANTML_API_KEY: by a form, or in parts, each sent again when the network fails. Both print the name of the
    execution that it starts.

        tenantml upload acme/churn churn.csv
        tenantml upload churn churn.csv
    """
    path = readable(file)
    if "/" in destination:
        found = context.stack.upload(path, destination, context.tell)
        text = f"{found['key']} is uploaded.\n\nTo see what comes of it: tenantml watch {found['execution']}"
        return Result(found, text)
    sent = context.api.send(destination, path, multipart=multipart, tell=context.tell)
    execution = context.api.started_by(destination, sent["upload"], _START_SECONDS)
    look = f"watch {execution}" if execution else f"executions --model {destination}"
    text = f"{sent['key']} is uploaded.\n\nTo see what comes of it: tenantml {look}"
    return Result(sent | {"execution": execution}, text)


def readable(file: str) -> Path:
    """Return a file's path.

    Raises:
        Refused: it is not a file that can be read.
    """
    path = Path(file)
    if not (path.is_file() and os.access(path, os.R_OK)):
        raise Refused("NoFile", f"{file!r} is not a file that can be read")
    return path
