"""On a schedule: begin a round of upkeep, one message for each tenant and each kind that is due."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from tenantml.domain.tenancy.tenant import SUSPENDED
from tenantml.entrypoint import function, logger
from tenantml.services import registry, upkeep_round


@function
def handler(event: dict[str, Any]) -> dict[str, int]:
    """Return how many messages were queued of each kind, and how many tenants there are of each status; how many are
    suspended is counted where operators look (the metric `TenantsSuspended`).
    """
    counts = upkeep_round.dispatch(event.get("time") or registry.now())
    logger.info("upkeep dispatched", extra={"counts": counts})
    with single_metric(
        name="TenantsSuspended", unit=MetricUnit.Count, value=counts[SUSPENDED], namespace="TenantML"
    ) as metric:
        metric.add_dimension(name="service", value="tenantml")
    return dict(counts)
