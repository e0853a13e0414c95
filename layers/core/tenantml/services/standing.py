"""A tenant's standing: the probe decides whether it is active, unless an operator decides otherwise.

registered -> active when the probe passes; active -> suspended when it no longer does, or when an operator suspends
it; suspended -> active when it passes again, unless an operator holds the tenant. A suspension and its end are
published, before they are written: a crash between the two publishes it again rather than never.
"""

from __future__ import annotations

import time

from tenantml.aws import events
from tenantml.aws.error_codes import ours
from tenantml.domain.tenancy.tenant import ACTIVE, OFFBOARDED, SUSPENDED, Tenant
from tenantml.errors import TenantError, TenantNotActive, TenantNotFound, TransientError
from tenantml.services import probe, registry


def activate(tenant: Tenant) -> None:
    """Probe the tenant and make it active, even if an operator held it; else leave it inactive, with the reason.

    Raises:
        TenantError: what the probe found.
        CustomerThrottled: the probe did not finish, and nothing was changed.
        TenantNotFound: the tenant is being off-boarded.
    """
    if tenant.status == OFFBOARDED:
        raise TenantNotFound(f"the tenant {tenant.tenant!r} is off-boarded; register it under another name")
    registry.note_probe(tenant.tenant)
    try:
        other = registry.another_tenant(tenant.tenant)
        probe.probe(tenant, other.external_id if other else None, thorough=True)
    except TenantError as error:
        status = SUSPENDED if tenant.status == ACTIVE else tenant.status
        _tell(tenant, status, reason_of(error))
        registry.set_tenant_status(tenant.tenant, status, reason_of(error), held=tenant.held, was=tenant.status)
        raise
    if tenant.status == SUSPENDED:
        _tell(tenant, ACTIVE)
    registry.set_tenant_status(tenant.tenant, ACTIVE, was=tenant.status)


def suspend(tenant: Tenant, reason: str) -> None:
    """Suspend the tenant until an operator activates it again, whatever the probe finds meanwhile.

    Raises:
        TenantNotActive: it is neither active nor suspended.
    """
    if tenant.status not in {ACTIVE, SUSPENDED}:
        raise TenantNotActive(f"the tenant {tenant.tenant!r} is {tenant.status}: there is nothing to suspend")
    _tell(tenant, SUSPENDED, reason)
    registry.set_tenant_status(tenant.tenant, SUSPENDED, reason, held=True)


def probe_all(until_seconds: float) -> dict[str, list[str]]:
    """Probe every tenant that is active or was suspended by a probe, those that waited longest first; return those
    whose status changed.

    A tenant whose role fails the probe is suspended, one whose role is fixed is active again, and operators are
    notified of both. Ends at `until_seconds` (of the monotonic clock): the rest is first in line next time.
    """
    tenants = registry.list_tenants()
    changed: dict[str, list[str]] = {SUSPENDED: [], ACTIVE: []}
    for tenant in sorted(tenants, key=lambda tenant: registry.probed_at(tenant.tenant)):
        if tenant.status not in {ACTIVE, SUSPENDED} or tenant.held or time.monotonic() > until_seconds:
            continue
        registry.note_probe(tenant.tenant)
        try:
            with ours():
                probe.probe(tenant, _external_id_of_another(tenant, tenants))
        except TransientError:
            continue  # the probe proved nothing
        except TenantError as error:
            status, reason = SUSPENDED, reason_of(error)
        else:
            status, reason = ACTIVE, ""
        _tell(tenant, status, reason)
        if status != tenant.status:
            changed[status].append(tenant.tenant)
        if (status, reason) != (tenant.status, tenant.reason):
            registry.set_tenant_status(tenant.tenant, status, reason, was=tenant.status)
    return changed


def _tell(tenant: Tenant, status: str, reason: str = "") -> None:
    if status != tenant.status:
        events.publish(f"Tenant {status.title()}", {"tenant": tenant.tenant, "status": status, "reason": reason})


def reason_of(error: TenantError) -> str:
    """Return the reason as a person reads it: the error's name and message."""
    return f"{type(error).__name__}: {error}"


def _external_id_of_another(tenant: Tenant, tenants: list[Tenant]) -> str | None:
    return next((other.external_id for other in tenants if other.tenant != tenant.tenant), None)
