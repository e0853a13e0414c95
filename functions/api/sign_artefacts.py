"""Sign links to the notebooks and reports of a version's training.

Apart from the tenant API, which answers the internet and enters no customer's account: it calls this function and
nobody else may.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import function
from tenantml.services import explanations, registry


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the artefacts of one version of an active tenant, each with a link; none of a version that is gone."""
    tenant, model, version = event["tenant"], event["model"], event["version"]
    owner = require_active(registry.find_tenant(tenant))
    found = registry.find_version(tenant, model, version)
    return {"artefacts": explanations.artefacts(owner, found) if found else []}
