"""Deliver a batch's rows to the customer's bucket, in parts that a model takes at once."""

from __future__ import annotations

from typing import Any

from tenantml.aws.error_codes import named
from tenantml.domain.access import session_policies
from tenantml.domain.predictions.batch import part_key
from tenantml.entrypoint import state
from tenantml.services import delivery, transforms
from tenantml.services.run_context import RunContext
from tenantml_analysis.batch_files.batch_file import BatchFile


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how many parts there are; a repeat writes the same ones."""
    account, folder = context.account, context.run.customer_folder
    file = BatchFile(transforms.read(context, event["upload"]), transforms.deployed(context), reject_unseen=False)
    s3 = context.customer(session_policies.deliver(account, folder)).client("s3")
    parts = 0
    for part in file.parts():
        parts += 1
        target = delivery.Target(account.bucket, part_key(folder, parts), account.account_id)
        with named(delivery.ERRORS, f"the rows could not be delivered to {target.uri}"):
            s3.put_object(**target.where, Body=part.body, ContentType="text/csv")
    return {"parts": parts}
