"""Ended from outside.

Neither a stop nor a time-out runs a failure path, so the rescue state machine does what that path would have done. An
execution whose version is live already has succeeded, whatever ended it. The tenant is notified in the execution's
`error` and on the event bus.
"""

from __future__ import annotations

from tenantml.errors.base import TENANT, TenantMLError


class ExecutionStopped(TenantMLError):
    """An operator stopped the execution, or the tenant or model was removed. What it had made is removed."""

    turn = TENANT
    do = "Upload again."


class ExecutionTimedOut(TenantMLError):
    """The execution took longer than 34 days. What it had made is removed."""

    do = "Check in the execution's history what it waited for. The tenant then uploads again."
