"""On a schedule: prove every tenant's access roles again; suspend those that fail, and reactivate those that pass."""

from __future__ import annotations

import time
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from tenantml.domain.tenancy.tenant import SUSPENDED
from tenantml.entrypoint import function, logger
from tenantml.services import registry, standing

BUDGET_SECONDS = 780  # of the function's 900: one tenant's probe takes a few


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return whose status changed; how many are suspended is counted where operators look (the metric
    `TenantsSuspended`).
    """
    changed = standing.probe_all(time.monotonic() + BUDGET_SECONDS)
    logger.info("probed", extra=changed)
    count = sum(tenant.status == SUSPENDED for tenant in registry.list_tenants())
    with single_metric(name="TenantsSuspended", unit=MetricUnit.Count, value=count, namespace="TenantML") as metric:
        metric.add_dimension(name="service", value="tenantml")
    return changed
