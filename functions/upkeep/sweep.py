"""On a schedule: rescue executions that ended without an announcement, and remove from customers' accounts what no
version needs, what could not be removed of trainings that are too old to keep, and the results of batches whose days
are over.
"""

from __future__ import annotations

import time
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from tenantml.entrypoint import function, logger
from tenantml.services import orphans, rescue, retention, transforms

BUDGET_SECONDS = 780  # of the function's 900


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return what was swept; what may not be removed is counted where an alarm looks (the metric `OrphansLeft`)."""
    until_seconds = time.monotonic() + BUDGET_SECONDS
    swept: dict[str, Any] = {"executions": rescue.rescue_lost()}
    swept["orphans"] = orphaned = orphans.remove_orphans(until_seconds)
    swept["trainings"] = retention.finish_pruning(until_seconds)
    swept["results"] = transforms.remove_expired(until_seconds)
    logger.info("swept", extra=swept)
    count = len(orphaned["left"])
    with single_metric(name="OrphansLeft", unit=MetricUnit.Count, value=count, namespace="TenantML") as metric:
        metric.add_dimension(name="service", value="tenantml")
    return swept
