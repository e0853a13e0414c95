"""Pause a tenant's models that nobody calls, and remove from its account what no version needs, what could not be
removed of trainings that have ended or are too old to keep, and the results of batches whose days are over.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from tenantml.aws.error_codes import ours
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.entrypoint import function, logger
from tenantml.errors import TransientError
from tenantml.services import idle, orphans, registry, removal, retention, transforms

PARTS = {
    "orphans": orphans.remove_orphans,
    "copies": removal.remove_leftovers,
    "trainings": retention.finish_pruning,
    "paused": idle.pause_idle,
    "results": transforms.remove_expired,
}


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return what was swept, nothing unless the tenant is active; what may not be removed is counted where an alarm
    looks (the metric `OrphansLeft`).

    Raises:
        TransientError: a part could not be done now; the others were.
    """
    tenant, swept, failures = registry.find_tenant(event["tenant"]), dict[str, Any](), list[TransientError]()
    if tenant is None or tenant.status != ACTIVE:
        return swept
    logger.append_keys(tenant=tenant.tenant)
    for name, part in PARTS.items():
        try:
            with ours():
                swept[name] = part(tenant)
        except TransientError as error:
            failures.append(error)
    logger.info("swept", extra=swept)
    count = len(swept.get("orphans", {"left": []})["left"])
    with single_metric(name="OrphansLeft", unit=MetricUnit.Count, value=count, namespace="TenantML") as metric:
        metric.add_dimension(name="service", value="tenantml")
    if failures:
        raise failures[0]
    return swept
