"""On-boarding and operators.

A tenant whose role is refused stays inactive, or is suspended by the hourly probe, with the name as its reason; it is
active again by itself once a probe passes. The operator who called is notified; a tenant sees the name as the reason of
its status.
"""

from __future__ import annotations

from tenantml.errors.base import CLOUD_TEAM, TenantMLError


class TenantError(TenantMLError):
    """On-boarding, activation or off-boarding cannot go on."""


class InvalidRegistration(TenantError):
    """A field of the registration is missing or malformed, the account is our own, or the on-boarding template knows no
    registry of SageMaker's images in the region.
    """

    do = "Correct the fields that the message names."


class RegistrationConflict(TenantError):
    """The tenant's id or the customer's account is taken. The message does not say who has it."""

    do = "Choose another id, or off-board the tenant that has the account."


class OnboardingNotPublished(TenantError):
    """The stack has no on-boarding template yet that a customer could apply; nobody was registered."""

    do = "Deploy with `make deploy`, which publishes it."


class TenantNotFound(TenantError):
    """No tenant of this name is registered, or it was off-boarded."""

    do = "List who is registered with `tenantml tenant list`."


class TenantNotActive(TenantError):
    """The operation needs an active tenant."""

    do = "`tenantml tenant activate TENANT`."


class KeyNotFound(TenantError):
    """The tenant has no API key of this id."""

    do = "List the ids with `tenantml tenant show TENANT`."


class InvalidOperation(TenantError):
    """The operator's request lacks a field, or has one that is unknown, mistyped or out of range."""

    do = "Correct the fields that the message names."


class RoleNotAssumable(TenantError):
    """An access role refuses us with the right external ID: the template is not applied, was deleted, or has other
    parameters.
    """

    turn = CLOUD_TEAM
    do = "Apply the template with the parameters of the on-boarding instructions."


class TrustTooOpen(TenantError):
    """An access role lets us in without the external ID, with another one, or from outside its role path; so it
    would let in others.
    """

    turn = CLOUD_TEAM
    do = "Apply the template again, unchanged."


class WrongAccount(TenantError):
    """The access role is in another account than the registered one."""

    do = "Register the right account."


class WrongRegion(TenantError):
    """The registered region does not hold the bucket that the on-boarding template creates."""

    do = "Register the right region, or ask the customer to apply the template in the registered one."


class PermissionMissing(TenantError):
    """An access role lacks permissions that it needs. The message names them."""

    turn = CLOUD_TEAM
    do = "Apply the template again, unchanged."


class PermissionExcessive(TenantError):
    """An access role may do what it is not for. The message names it."""

    turn = CLOUD_TEAM
    do = "Apply the template again, unchanged."


class RemovalIncomplete(TenantError):
    """Something remains in the customer's account that AWS keeps, or that we may no longer remove. The report lists
    it.
    """

    do = "Ask the customer to fix the role and repeat the removal, or abandon what remains (`--abandon`)."
