"""Say whether the endpoint of a version still stands, by a look into the customer's account.

Apart from what lets one answer again, for tenants, operators and requests, and enters no customer's account: these
call this function and nobody else may.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import function
from tenantml.services import endpoint_state, registry

PURPOSE = "tenantml-return"


@function
def handler(event: dict[str, Any]) -> dict[str, bool]:
    """Return whether the version of an active tenant `stands`."""
    tenant = require_active(registry.find_tenant(event["tenant"]))
    found = registry.find_version(tenant.tenant, event["model"], event["version"])
    return {"stands": found is not None and endpoint_state.stands(tenant, found, f"{PURPOSE}-{event['model']}")}
