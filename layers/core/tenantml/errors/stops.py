"""Ended from outside.

Neither a stop nor a time-out runs a failure path, so the rescue state machine does what that path would have done. An
execution whose version is live already has succeeded, whatever ended it. The tenant is notified in the `error` of the
execution or of the version, and on the event bus.
"""

from __future__ import annotations

from tenantml.errors.base import TENANT, TenantMLError


class ExecutionStopped(TenantMLError):
    """An operator stopped the execution, or the tenant or model was removed. What it had made is removed; a training
    that came to candidates is kept.
    """

    turn = TENANT
    do = "Deploy again, or upload again if there are no candidates."


class ExecutionTimedOut(TenantMLError):
    """The execution took longer than 34 days, or its deployment longer than 21. What it had made is removed;
    a training that came to candidates is kept.
    """

    do = (
        "Check in the execution's history what it waited for. The tenant then deploys again, or uploads again if there "
        "are no candidates."
    )
