"""Join a batch's rows with their predictions, in the customer's bucket."""

from __future__ import annotations

from typing import Any

from tenantml.aws.error_codes import named
from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.predictions.batch import answer_key, result_key
from tenantml.entrypoint import state
from tenantml.errors import UnreadableAnswer, WrongPredictionCount
from tenantml.services import delivery, transforms
from tenantml.services.run_context import RunContext
from tenantml_analysis.batch_files.batch_file import BatchFile
from tenantml_analysis.batch_files.joining import Joined


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return how many rows the result has, which are as many as the file has; a repeat writes the same."""
    account, folder, version = context.account, context.run.customer_folder, transforms.deployed(context)
    s3 = context.customer(session_policies.deliver(account, folder)).client("s3")

    def answer(number: int) -> bytes:
        found = objects.get_theirs(s3, account.bucket, answer_key(folder, number))
        if found is None:
            raise UnreadableAnswer(f"the batch transform left no answer to part {number} of the rows")
        return found

    file = BatchFile(transforms.read(context, event["upload"]), version, reject_unseen=False)
    joined = Joined(file, version, answer)
    key = result_key(folder)
    with (
        named(delivery.ERRORS, f"the result could not be written to s3://{account.bucket}/{key}"),
        objects.MultipartWriter(s3, account.bucket, key) as result,
    ):
        for text in joined.text():
            result.write(text)
        if joined.rows != event["rows"]:
            raise WrongPredictionCount(f"the file has {event['rows']} rows and the result {joined.rows}")
    transforms.keep_result(context.run, context.settings.batch_days, joined.rows)
    return {"rows": joined.rows}
