"""Orphans: our resources in a customer's account that no version needs, such as those whose retirement failed.

They are swept by listing the account, so that those that the registry forgot or never knew are not missed.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import endpoint_rules
from tenantml.errors import CustomerAccountError
from tenantml.services import registry, removal, scaling, spending
from tenantml.services.customer import assume
from tenantml.services.removal import SWEEP

COUNTED_FOR = timedelta(hours=1)
"""How long an endpoint must have cost before its absence from a list, which may be a moment old, is believed."""


def remove_orphans(tenant: Tenant) -> dict[str, list[str]]:
    """Remove a tenant's orphans; return the ARNs of those that were `removed`, and of those that were `left` because
    they do not carry our tag. An account that refuses us is left alone: the probe reports it. An endpoint that is not
    there any more, whoever deleted it, costs nothing from now on.

    Raises:
        TransientError: something cannot be removed now.
    """
    swept: dict[str, list[str]] = {"removed": [], "left": []}
    with suppress(CustomerAccountError):
        session = assume(tenant, SWEEP, session_policies.sweep(tenant.account))
        client = session.client("sagemaker")
        counted = spending.standing_endpoints(tenant.tenant, COUNTED_FOR)  # before they are listed
        for kind in endpoints.KINDS:
            names = endpoints.names(client, kind, f"{tenant.account.prefix}-")
            if kind == "endpoint":
                for model, version in counted:
                    if tenant.account.endpoint(model, version) not in names:
                        spending.close_endpoint(tenant.tenant, model, version)
            for name in names:
                _remove_unneeded(tenant, client, kind, name, swept)
    return swept


def _remove_unneeded(tenant: Tenant, client: Any, kind: str, name: str, swept: dict[str, list[str]]) -> None:
    parts = tenant.account.version_of(name)
    if parts is None or _is_needed(tenant.tenant, *parts):
        return
    arn = tenant.account.sagemaker_arn(kind, name)
    if endpoints.made_by(client, arn) is None:
        swept["left"].append(arn)
        return
    if not removal.lets_go(tenant.tenant, *parts):
        return
    if kind == "endpoint":
        scaling.end(tenant, SWEEP, name)
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
