"""The customer's account.

The tenant is notified in the `error` of the execution or of the version, and on the event bus, and operators through
the alarm on failed executions. An execution that has candidates keeps its training: the tenant deploys one again. Only
one that has none is uploaded again.
"""

from __future__ import annotations

from tenantml.errors.base import CLOUD_TEAM, TenantMLError


class CustomerAccountError(TenantMLError):
    """The customer's account refused, or lacks what the on-boarding template creates."""

    turn = CLOUD_TEAM


class CustomerAccessRevoked(CustomerAccountError):
    """The access role can no longer be assumed, or no longer allows what it did. It ends this execution alone; an app
    that called the API is refused. The next probe looks at the role; it suspends the tenant if that is not as it must
    be.
    """

    status = 403
    do = (
        "Apply the on-boarding template again, unchanged; the tenant then deploys again, or uploads again if there are "
        "no candidates. The hourly probe lifts a suspension, or an operator does with `tenantml tenant activate`."
    )


class NameTaken(CustomerAccountError):
    """A resource with our name exists in the customer's account and does not carry our tag, so it is left alone."""

    do = "Rename or remove it; the tenant then deploys again, or uploads again if there are no candidates."
