"""Upkeep: what is done for each tenant on a schedule, and what may not be done for one account at once."""

from __future__ import annotations

import hashlib
from datetime import datetime

from tenantml.domain.tenancy.tenant import ACTIVE, SUSPENDED, Tenant

PROBE, SWEEP, DRIFT = KINDS = ("probe", "sweep", "drift")
DAY_HOURS = 24


def due(tenant: Tenant, at: datetime) -> list[str]:
    """Return the kinds of upkeep that are due in the round of this hour.

    A tenant that an operator suspended, or that is not active yet, has none. Drift is checked once a day, in an hour of
    the tenant's own, so that no round has much more to do than another.
    """
    if tenant.status == ACTIVE:
        return [PROBE, SWEEP, DRIFT] if at.hour == hour_of_drift(tenant) else [PROBE, SWEEP]
    return [PROBE] if tenant.status == SUSPENDED and not tenant.held else []


def hour_of_drift(tenant: Tenant) -> int:
    """Return the hour of the day (UTC, 0 to 23) in which a tenant's models are checked for drift."""
    return hashlib.sha256(tenant.tenant.encode()).digest()[0] % DAY_HOURS


def group(tenant: Tenant, kind: str) -> str:
    """Return what is done one after another: all that enters one customer's account. A check for drift enters none."""
    return f"tenant-{tenant.tenant}" if kind == DRIFT else f"account-{tenant.account_id}"
