"""Turn an event of our bus into deliveries, one for each webhook that wants it."""

from __future__ import annotations

import json
from typing import Any

from tenantml.entrypoint import function, logger
from tenantml.services import notifying


@function
def handler(event: dict[str, Any]) -> None:
    """Dispatch the one event that comes; a repetition makes no further delivery, and a failure brings it again."""
    (record,) = event["Records"]
    happened = json.loads(record["body"])
    count = notifying.dispatch(happened)
    logger.info("webhooks dispatched", extra={"type": happened["detail-type"], "count": count})
