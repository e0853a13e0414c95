"""Check a batch's file against the version that is to predict it, before anything is delivered or spent."""

from __future__ import annotations

from typing import Any

from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import function, logger
from tenantml.services import transforms
from tenantml.services.run_context import RunContext
from tenantml_analysis.batch_files.batch_file import BatchFile


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the run of the batch and how many rows it has; every row was read, and would be predicted."""
    context = RunContext(transforms.begin(Upload(**event["upload"]), event["state"]))
    run = context.run
    logger.append_keys(execution=run.execution, tenant=run.tenant, model=run.model)
    transforms.admit(context)
    file = BatchFile(
        transforms.read(context, event["upload"]),
        transforms.deployed(context),
        reject_unseen=context.settings.unseen_category == "reject",
    )
    rows = sum(len(part.rows) for part in file.parts())
    context.note(row_count=rows, advice=file.advice)
    return {"run": run.as_document(), "rows": rows}
