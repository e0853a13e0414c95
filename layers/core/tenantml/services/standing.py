"""A tenant's standing: the probe decides whether it is active, unless an operator decides otherwise.

registered -> active when the probe passes; active -> suspended when it no longer does, or when an operator suspends
it; suspended -> active when it passes again, unless an operator holds the tenant. A suspension and its end are
published, before they are written: a crash between the two publishes it again rather than never.
"""

from __future__ import annotations

from tenantml.aws import events
from tenantml.aws.error_codes import ours
from tenantml.domain.tenancy.tenant import ACTIVE, OFFBOARDED, SUSPENDED, Tenant
from tenantml.errors import TenantError, TenantNotActive, TenantNotFound
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
        probe.probe(tenant, _external_id_of_another(tenant), thorough=True)
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


def probe_again(tenant: Tenant) -> str:
    """Probe a tenant that is active or was suspended by a probe, and return its status then.

    One whose role fails the probe is suspended, one whose role is fixed is active again, and operators are notified of
    both. Any other tenant stays as it is, unprobed.

    Raises:
        TransientError: the probe proved nothing, and nothing was changed.
    """
    if tenant.status not in {ACTIVE, SUSPENDED} or tenant.held:
        return tenant.status
    registry.note_probe(tenant.tenant)
    status, reason = ACTIVE, ""
    try:
        with ours():
            probe.probe(tenant, _external_id_of_another(tenant))
    except TenantError as error:
        status, reason = SUSPENDED, reason_of(error)
    _tell(tenant, status, reason)
    if (status, reason) != (tenant.status, tenant.reason):
        registry.set_tenant_status(tenant.tenant, status, reason, was=tenant.status)
    return status


def _tell(tenant: Tenant, status: str, reason: str = "") -> None:
    if status != tenant.status:
        events.publish(f"Tenant {status.title()}", {"tenant": tenant.tenant, "status": status, "reason": reason})


def reason_of(error: TenantError) -> str:
    """Return the reason as a person reads it: the error's name and message."""
    return f"{type(error).__name__}: {error}"


def _external_id_of_another(tenant: Tenant) -> str | None:
    other = registry.find_another_tenant(tenant.tenant)
    return other.external_id if other else None
