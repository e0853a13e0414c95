"""Start one execution per uploaded object version, however often S3 reports it."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from tenantml.aws import stepfunctions
from tenantml.domain.predictions.batch import Batch
from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import function, logger
from tenantml.settings import setting


def start_one(record: SQSRecord) -> None:
    """Start the execution of one `Object Created` event; a repeated delivery finds it started, a folder starts none."""
    upload = Upload.from_event(json.loads(record.body))
    if upload.is_folder_marker:
        return
    batch = Batch.of_key(upload.key)
    machine, execution = (
        (setting("BATCH_STATE_MACHINE"), batch.execution)
        if batch
        else (setting("TRAINING_STATE_MACHINE"), upload.execution)
    )
    started = stepfunctions.start(machine, execution, upload.as_input())
    logger.info("upload received", extra={"execution": execution, "started": started, "size_bytes": upload.size_bytes})


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the messages that SQS must deliver again; after five deliveries they go to the dead-letter queue."""
    answer = process_partial_response(
        event=event, record_handler=start_one, processor=BatchProcessor(EventType.SQS), context=None
    )
    return dict(answer)
