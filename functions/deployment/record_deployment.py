"""Record once how a deployment ended, and publish it in words that the tenant can act on."""

from __future__ import annotations

from typing import Any

from tenantml.domain.training.run import Run
from tenantml.entrypoint import function, logger
from tenantml.services import outcomes


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome as the tenant sees it."""
    run = Run.of_document(event["run"])
    outcome = outcomes.record_deployment(run, event["failure"], event["left_behind"])
    named = {name: outcome[name] for name in ("version", "tenant", "status")}
    logger.info("deployment ended", extra={"execution": run.execution} | named)
    return outcome
