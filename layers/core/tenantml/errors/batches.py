"""Batches.

A batch's file is refused as a file that is trained from, or by the first row that a prediction would refuse, with its
line; nothing is spent then. What follows can end in these. Nothing of the batch is kept, and no version or model
changes. The tenant is notified in the batch's `error` and on the event bus.
"""

from __future__ import annotations

from tenantml.errors.base import CLOUD_TEAM, TenantMLError


class BatchError(TenantMLError):
    """The batch transform ran without a result."""

    turn = CLOUD_TEAM


class TransformFailed(BatchError):
    """The batch transform ended in Failed. The message carries the kind of its reason alone: the rest may hold
    cells.
    """

    do = (
        "Read the job's reason and its logs, which stay in the customer's account, and fix what they say; the tenant "
        "then sends the batch again."
    )


class TransformStopped(BatchError):
    """The batch transform was stopped in the customer's account."""

    do = "Find who stopped it; the tenant then sends the batch again."


class TransformTimedOut(BatchError):
    """The batch transform ran for a day, and was stopped."""

    do = "Ask the tenant to send fewer rows at once, or to set a larger `instance_type`."
