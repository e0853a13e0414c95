"""Whether the endpoint of a version is still in the customer's account, for it to answer.

The registry knows what we remove ourselves; in its own account a customer may delete an endpoint without us.
"""

from __future__ import annotations

from typing import Any

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import endpoint_rules
from tenantml.errors import CustomerAccessRevoked
from tenantml.services.customer import assume


def stands(tenant: Tenant, version: dict[str, Any], purpose: str) -> bool:
    """Return whether the version of a registry's row can answer: one for batches alone always can. What the account
    does not let us look at stands, as far as we know.

    Raises:
        CustomerThrottled: AWS did not answer.
    """
    if endpoint_rules.answers_batches_only(version):
        return True
    name = tenant.account.endpoint(version["model"], version["version"])
    try:
        client = assume(tenant, purpose, session_policies.look_at(tenant.account, name)).client("sagemaker")
        status, _ = endpoints.status(client, name)
    except CustomerAccessRevoked:
        return True
    return status in endpoints.ANSWERING
