"""After an execution ended without a failure path (stopped, timed out, an error that nothing catches): do what that
path would have done.
"""

from __future__ import annotations

import json
from typing import Any

from tenantml.domain.predictions.batch import Batch
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import function, logger
from tenantml.services import rescue


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome, from Step Functions' `Execution Status Change` event of a training, a deployment or
    a batch.
    """
    detail = event["detail"]
    logger.append_keys(execution=detail["name"])
    outcome = _rescue(json.loads(detail["input"]), detail["status"])
    logger.info("execution rescued", extra={"status": outcome["status"]})
    return outcome


def _rescue(started: dict[str, Any], status: str) -> dict[str, Any]:
    if "run" in started:
        return rescue.rescue_deployment(Run.of_document(started["run"]), started["left_behind"], status)
    upload = Upload(**started)
    if Batch.of_key(upload.key):
        return rescue.rescue_batch(upload, status)
    return rescue.rescue_training(upload, status)
