"""Send one delivery to its webhook. What is not accepted stays in the queue, hidden until its next attempt; after the
last one SQS moves it to the dead-letter queue.
"""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws import sqs
from tenantml.entrypoint import function, logger
from tenantml.services import sending
from tenantml.settings import setting


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the messages that SQS must deliver again: of the one that comes, none or itself."""
    (record,) = event["Records"]  # a slow receiver delays nobody else
    place, number = json.loads(record["body"]), int(record["attributes"]["ApproximateReceiveCount"])
    wait = sending.attempt(place, number)
    logger.info("webhook attempted", extra={"tenant": place["owner"], "delivery": place["message"], "wait": wait})
    if wait is None:
        return {"batchItemFailures": []}
    sqs.hide(setting("WEBHOOK_QUEUE"), record["receiptHandle"], wait)
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
