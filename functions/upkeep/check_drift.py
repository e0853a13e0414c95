"""Compare what each live version of a tenant is asked and answers with its training; announce where it drifts."""

from __future__ import annotations

from typing import Any

from tenantml.aws.clients import platform
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.entrypoint import function, logger
from tenantml.services import drift, registry


@function
def handler(event: dict[str, Any]) -> dict[str, list[str]]:
    """Return the tenant's models that begin to drift, none unless it is active."""
    tenant = registry.find_tenant(event["tenant"])
    is_active = tenant is not None and tenant.status == ACTIVE
    drifted = drift.check(platform("s3"), event["tenant"]) if is_active else []
    logger.info("checked drift", extra={"tenant": event["tenant"], "drifted": drifted})
    return {"drifted": drifted}
