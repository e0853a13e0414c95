"""Record once how the upload of a failed training has ended, and publish it in words that the tenant can act on."""

from __future__ import annotations

from typing import Any

from tenantml.domain.uploads.upload import Upload
from tenantml.entrypoint import function, logger
from tenantml.services import outcomes


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome as the tenant sees it; a deployment that was started says itself how the upload ended."""
    outcome = outcomes.record_training(Upload(**event["upload"]), event["failure"], event["left_behind"])
    logger.info("execution ended", extra={name: outcome[name] for name in ("execution", "tenant", "status")})
    return outcome
