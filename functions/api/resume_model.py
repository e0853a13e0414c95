"""Resume a paused model because somebody asks it for a prediction.

Apart from the predict function, which answers the internet, writes no model and starts nothing: it calls this function
and nobody else may.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import function
from tenantml.services import deployments, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return nothing when this pause of an active tenant's model is being ended, if its settings allow that."""
    tenant = require_active(registry.find_tenant(event["tenant"]))
    deployments.resume_on_request(tenant, event["model"], event["pause"])
    return {}
