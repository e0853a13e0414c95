"""On a schedule: compare what each live version is asked and answers with its training; announce where it drifts."""

from __future__ import annotations

import time
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import ours
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.entrypoint import function, logger
from tenantml.errors import TransientError
from tenantml.services import drift, registry

BUDGET_SECONDS = 780  # of the function's 900


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the models that begin to drift, by tenant; tenants that there was no time for are counted as `left`."""
    until_seconds, found, left = time.monotonic() + BUDGET_SECONDS, {}, 0
    for tenant in registry.list_tenants():
        if tenant.status != ACTIVE:
            continue
        if time.monotonic() > until_seconds:
            left += 1
        elif models := _check(tenant.tenant):
            found[tenant.tenant] = models
    logger.info("checked drift", extra={"drifted": found, "left": left})
    return {"drifted": found, "left": left}


def _check(tenant: str) -> list[str]:
    try:
        with ours():
            return drift.check(platform("s3"), tenant)
    except TransientError as error:  # the next day looks again, and others are checked today
        logger.warning("drift is not checked", extra={"tenant": tenant, "code": type(error).__name__})
        return []
