"""Sign links to a version's model, to the notebooks and reports of its training, and to a batch's result.

Apart from the tenant API, which answers the internet and enters no customer's account: it calls this function and
nobody else may.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import function
from tenantml.services import explanations, model_files, registry, transforms


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the containers of one version of an active tenant and its artefacts, each with a link, none of a version
    that is gone; or, of an execution that is a batch's, a link to its result, null without one.
    """
    tenant = event["tenant"]
    owner = require_active(registry.find_tenant(tenant))
    if "execution" in event:
        row = registry.find_execution(tenant, event["execution"])
        return {"download": transforms.download(owner, row) if row else None}
    model, version = event["model"], event["version"]
    found = registry.find_version(tenant, model, version)
    if found is None:
        return {"containers": [], "artefacts": []}
    reports = explanations.artefacts(owner, found)
    containers, files = model_files.of(owner, found)
    return {"containers": containers, "artefacts": files + reports}
