"""Unnamed failures.

Anything else that goes wrong is a bug of ours. The API and the executions show it under this one name.
"""

from __future__ import annotations

from tenantml.errors.base import TenantMLError


class InternalFailure(TenantMLError):
    """Something failed without a name. The details are in the log, and never in the answer or the execution's `error`.
    Operators are notified through the alarm on internal failures.
    """

    status = 500
    do = "Find the `request_id` or the execution in the log group. Repeating is safe for the tenant and the app."
