"""The tenant's API: models and their settings, uploads, batches, executions, versions, usage."""

from __future__ import annotations

from typing import Any

from tenantml.api import account, batches, executions, models, uploads, versions
from tenantml.api.dispatch import handler_of
from tenantml.api.named import find_version
from tenantml.http import Answer, page_headers
from tenantml.services import model_report, tenant_scope
from tenantml_pages import report


def get_report(tenant: str, event: dict[str, Any]) -> Answer:
    """GET /models/{model}/versions/{version}/report: made as it is asked for, so that it says what holds now."""
    row, version = find_version(tenant, event)
    facts = model_report.facts_of(tenant_scope.s3(), tenant, version, row.get("live_version"))
    return Answer(200, report.render(facts), page_headers(report.policy()))


handler = handler_of("TenantApi", account, batches, executions, models, uploads, versions, own=[get_report])
