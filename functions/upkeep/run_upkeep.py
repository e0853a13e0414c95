"""Have one kind of upkeep done for one tenant. What fails stays in the queue and is tried again; after the last attempt
SQS moves it to the dead-letter queue, where it names kind and tenant.
"""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws import sqs
from tenantml.entrypoint import function, logger
from tenantml.services import upkeep_task
from tenantml.settings import setting


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the messages that SQS must deliver again: of the one that comes, none or itself."""
    (record,) = event["Records"]
    task, number = json.loads(record["body"]), int(record["attributes"]["ApproximateReceiveCount"])
    failure = upkeep_task.attempt(task["kind"], task["tenant"])
    if failure is None:
        return {"batchItemFailures": []}
    logger.warning("upkeep failed", extra=task | {"code": failure, "attempt": number})
    sqs.hide(setting("UPKEEP_QUEUE"), record["receiptHandle"], upkeep_task.wait_after(number))
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
