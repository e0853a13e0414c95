"""Operator: register a tenant, and answer with what its cloud team has to apply."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tenantml.domain.tenancy import onboarding, operator_requests
from tenantml.domain.tenancy.tenant import REQUIRED, register
from tenantml.entrypoint import function
from tenantml.services import published_template, registry
from tenantml.settings import setting


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return the tenant's external ID and the template's parameters, filled in."""
    request = operator_requests.json_object(event, *REQUIRED)
    template = published_template.newest()
    platform = onboarding.Platform(
        account_id=setting("PLATFORM_ACCOUNT"),
        stack_name=setting("STACK_NAME"),
        staging_bucket=setting("STAGING_BUCKET"),
        template_url=template.url,
        template_sha256=template.sha256,
        data_key_arn=setting("DATA_KEY_ARN", ""),
    )
    tenant = register(request, platform.account_id, platform.stack_name)
    registry.add_tenant(tenant)
    return {
        "tenant": tenant.tenant,
        "external_id": tenant.external_id,
        "roles": asdict(tenant.roles),
        "onboarding": onboarding.instructions(tenant, platform),
    }
