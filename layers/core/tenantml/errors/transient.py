"""What a retry may fix.

States retry these by name, and there is nothing to do while they do. The tenant is notified in the execution's `error`
and on the event bus only after the retries of the state machine are used up.
"""

from __future__ import annotations

from tenantml.errors.base import CLOUD_TEAM, TenantMLError


class TransientError(TenantMLError):
    """Something that a later attempt may find fixed."""


class DatasetUnavailable(TransientError):
    """S3 could not return or delete an object that exists."""

    status = 503
    do = "If it lasts, check the AWS Health Dashboard. The tenant uploads again later."


class GrantContended(TransientError):
    """Another execution held the lock of the bucket policy, or something else writes the policy, too.
    Operators are notified, and the tenant if it ends an execution.
    """

    do = (
        "If it lasts, find who else writes the staging bucket's policy. Nobody but the grants functions should; add "
        "standing statements while nothing runs."
    )


class GrantCapacity(TransientError):
    """The bucket policy has no room for another grant (20 KB, about 80 grants). The execution waits for some
    hours by itself. Operators are notified, and the tenant if it ends an execution.
    """

    do = "If it is frequent, let models use delivery `upload`, which needs no grant."


class CustomerThrottled(TransientError):
    """The customer's account throttled a call."""

    status = 503
    turn = CLOUD_TEAM
    do = "If it lasts, ask AWS for a higher rate, or run fewer things at once."


class StillChanging(TransientError):
    """Something in the customer's account is being created, stopped or deleted, and can be removed only after that. The
    state waits by itself. Operators are notified.
    """

    do = "If it ends a removal, repeat the removal."


class QuotaExceeded(TransientError):
    """A service quota of the customer's account is used up (AutoML jobs at once, instances of a type). The execution
    waits for hours, then fails.
    """

    turn = CLOUD_TEAM
    do = "Raise the quota in Service Quotas, or remove what uses it up. The tenant then uploads again."
