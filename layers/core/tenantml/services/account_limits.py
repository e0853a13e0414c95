"""What the quotas of a tenant's account do not allow, read with its access role. No training and no activation fails
for it: quotas change, and AWS itself refuses what is over them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenantml.aws import service_quotas
from tenantml.domain.access import session_policies
from tenantml.domain.api.pagination import MAX_LIMIT, PageRequest
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import account_quotas
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import CustomerAccessRevoked, CustomerThrottled
from tenantml.services import registry
from tenantml.services.customer import PROBE, CustomerSession, assume


def shortages(
    session: CustomerSession, models: Sequence[ModelSettings], *, has_version: bool = False
) -> list[str] | None:
    """Return what these models lack, and None when the quotas cannot be read."""
    client, account = session.client(service_quotas.SERVICE), session.tenant.account
    quotas = service_quotas.sagemaker_quotas(client, account_quotas.names(models, account))
    return None if quotas is None else account_quotas.shortages(models, quotas, account, has_version=has_version)


def warnings(tenant: Tenant) -> list[str]:
    """Return what a tenant's models lack, those of the default settings before it has any; or that it is not known."""
    rows = registry.list_models(tenant.tenant, PageRequest(MAX_LIMIT, None)).rows
    models = [ModelSettings(**row["settings"]) for row in rows if "settings" in row] or [ModelSettings("")]
    try:
        found = shortages(assume(tenant, PROBE, session_policies.quotas()), models)
    except (CustomerAccessRevoked, CustomerThrottled):
        found = None
    return [account_quotas.NOT_READ] if found is None else found
