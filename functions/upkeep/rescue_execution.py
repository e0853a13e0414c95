"""After an execution was stopped or timed out, which runs no Catch: do what its failure path would have done."""

from __future__ import annotations

import json
from typing import Any

from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import function
from tenantml.services import rescue


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return what was removed, from Step Functions' `Execution Status Change` event."""
    detail = event["detail"]
    return rescue.rescue(Upload(**json.loads(detail["input"])), detail["status"])
