"""The base of every named failure, and whose turn it is when one happens."""

from __future__ import annotations

TENANT, APP = "the tenant", "the app"
CLOUD_TEAM, OPERATOR = "the customer's cloud team", "the operator"
NOBODY = "nobody"
CALLS_OPERATORS = frozenset({CLOUD_TEAM, OPERATOR})
"""Whose turn it must be for an execution's failure to call operators."""


class TenantMLError(Exception):
    """A named failure: `str(error)` says what was wrong, where, and what to do next."""

    status: int | None = None
    """The HTTP status, of an error that may leave the API."""
    outcome = "failed"
    """The status of an execution that ends in it."""
    turn = OPERATOR
    do = ""
    """What to do next, for whoever's turn it is."""

    @property
    def logged(self) -> str:
        """What a log may say of it: nothing that is the content of a tenant's data."""
        return str(self)
