"""Orphans: our resources in a customer's account that no version needs, such as those whose retirement failed.

They are swept by listing the account, so that those that the registry forgot or never knew are not missed.
"""

from __future__ import annotations

import time

from tenantml.aws.error_codes import ours
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training import endpoint_rules
from tenantml.errors import CustomerAccountError, TransientError
from tenantml.services import registry, removal, scaling
from tenantml.services.customer import assume

PURPOSE = "tenantml-sweep"


def remove_orphans(until_seconds: float) -> dict[str, list[str]]:
    """Remove the orphans of active tenants; return the ARNs of those that were `removed`, and of those that were `left`
    because they do not carry our tag.

    Tenants come in the order of their last probe, which changes, and none after `until_seconds` (of the monotonic
    clock): the rest waits for the next sweep, as do resources that cannot be removed now and accounts that refuse us.
    """
    swept: dict[str, list[str]] = {"removed": [], "left": []}
    tenants = [tenant for tenant in registry.list_tenants() if tenant.status == ACTIVE]
    for tenant in sorted(tenants, key=lambda tenant: registry.probed_at(tenant.tenant)):
        if time.monotonic() > until_seconds:
            break
        try:
            with ours():
                _remove_orphans_of(tenant, swept)
        except (CustomerAccountError, TransientError):
            continue  # the probe reports accounts that refuse us
    return swept


def _remove_orphans_of(tenant: Tenant, swept: dict[str, list[str]]) -> None:
    session = assume(tenant, PURPOSE, session_policies.sweep(tenant.account))
    client = session.client("sagemaker")
    for kind in endpoints.KINDS:
        for name in endpoints.names(client, kind, f"{tenant.account.prefix}-"):
            parts = tenant.account.version_of(name)
            if parts is None or _is_needed(tenant.tenant, *parts):
                continue
            arn = tenant.account.sagemaker_arn(kind, name)
            if endpoints.made_by(client, arn) is None:
                swept["left"].append(arn)
                continue
            if not removal.lets_go(tenant.tenant, *parts):
                continue
            if kind == "endpoint":
                scaling.end(tenant, PURPOSE, name)
            if endpoints.remove_one(client, kind, name):
                swept["removed"].append(arn)
                removal.note_gone(tenant.tenant, *parts)


def _is_needed(tenant: str, model: str, version: str) -> bool:
    """Return whether a version is live with an endpoint, or is being deployed, or is retired by a deployment after the
    last requests.

    The registry knows a version before anything of it exists.
    """
    live = (registry.find_model(tenant, model) or {}).get("live_version")
    found = registry.find_version(tenant, model, version) or {}
    if live == version and not endpoint_rules.answers_batches_only(found):
        return True
    rows = [registry.find_version(tenant, model, name) for name in (version, live) if name]
    return any(row is not None and "ended_at" not in row for row in rows)
