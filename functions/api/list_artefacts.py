"""GET /models/{model}/versions/{version}/artefacts: links to the notebooks and reports of a version's training.

Apart from the tenant API, since it enters the customer's account: this function alone signs links there.
"""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.domain.names import VERSION_PATTERN
from tenantml.domain.tenancy.tenant import require_active
from tenantml.http import Answer
from tenantml.services import explanations, registry


@http.api
def handler(event: dict[str, Any], tenant: str) -> Answer:
    """Answer one request of an active tenant; nobody but the holder of the answer can use its links."""
    owner = require_active(registry.find_tenant(tenant))
    http.check_query(event)
    model, version = http.model_of(event), http.in_path(event, "version")
    is_known = VERSION_PATTERN.fullmatch(version) and registry.find_model(tenant, model)
    found = registry.find_version(tenant, model, version) if is_known else None
    if found is None:
        raise http.not_found()
    return Answer(200, {"artefacts": explanations.artefacts(owner, found)})
