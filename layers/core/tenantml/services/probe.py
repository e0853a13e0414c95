"""The probe: prove that a tenant's two access roles admit us, each its own path and with this tenant's external ID
alone, and allow what they are for and, as far as questions show, no more.

A survey of 90 vendors found that half did not check it; a role that trusts our account without the condition can be
used through us by any other tenant that names it. So the probe runs before a tenant is active, and hourly after that.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from tenantml.aws.clients import call
from tenantml.aws.error_codes import ABSENT_BUCKET, BUSY, DENIED, AwsError, Names, code_of, named
from tenantml.domain.access import probe_questions, session_policies
from tenantml.domain.access.probe_questions import Question
from tenantml.domain.names import PREDICTION, TRAINING, Access
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.errors import (
    CustomerAccessRevoked,
    CustomerThrottled,
    PermissionExcessive,
    PermissionMissing,
    RoleNotAssumable,
    TrustTooOpen,
    WrongAccount,
    WrongRegion,
)
from tenantml.services.customer import CustomerSession, assume, lets_in
from tenantml.settings import setting

LATER: Names = dict.fromkeys(BUSY, CustomerThrottled)
AS_DELIVERED = "apply the on-boarding template again, unchanged and with the given parameters"


def probe(tenant: Tenant, of_another_tenant: str | None = None, *, thorough: bool = False) -> None:
    """Return when both access roles are as they must be; `of_another_tenant` is another tenant's external ID, if there
    is one. `thorough` also asks what the customer's alarms may notice.

    Raises:
        RoleNotAssumable: one refuses us.
        TrustTooOpen: one lets us in with no external ID, a wrong one, or from outside its path or the other's.
        WrongAccount, WrongRegion: they are not where they were registered.
        PermissionMissing, PermissionExcessive: one may do less or more than it needs.
        CustomerThrottled: a call got no answer, so nothing is proven; try again later.
    """
    for access in (TRAINING, PREDICTION):
        _probe_one(tenant, access, of_another_tenant, thorough=thorough)


def _probe_one(tenant: Tenant, access: Access, of_another_tenant: str | None, *, thorough: bool) -> None:
    # Training access is entered as the function itself, prediction access as a role on its path.
    through = setting("PREDICTION_PROBE_ROLE") if access == PREDICTION else ""
    needed = probe_questions.needed(tenant.account, access)
    dangerous = probe_questions.dangerous(tenant.account, access, thorough=thorough)
    try:
        as_needed = assume(
            tenant,
            probe_questions.NAME,
            session_policies.probe(tenant.account, probe_questions.permissions(needed)),
            access,
            through=through,
        )
        beyond = assume(
            tenant,
            probe_questions.NAME,
            session_policies.probe_beyond(probe_questions.permissions(dangerous)),
            access,
            through=through,
        )
    except CustomerAccessRevoked as error:
        raise RoleNotAssumable(
            f"{tenant.roles.access(access)} cannot be assumed with this tenant's external ID; {AS_DELIVERED}, in "
            f"{tenant.region}"
        ) from error
    _check_trust(tenant, access, of_another_tenant, through)
    ask = Ask(as_needed)
    if access == TRAINING:
        _check_place(ask, tenant)
    _check_needed(ask, tenant, access, needed)
    _check_dangerous(Ask(beyond), tenant, access, dangerous)


def _check_trust(tenant: Tenant, access: Access, of_another_tenant: str | None, through: str) -> None:
    role_arn, random = tenant.roles.access(access), secrets.token_urlsafe(24)
    for label, wrong in probe_questions.wrong_external_ids(tenant.external_id, of_another_tenant, random).items():
        if lets_in(tenant, access, wrong, through=through):
            raise TrustTooOpen(f"{role_arn} can be assumed with {label}; {AS_DELIVERED}")
    # This function's own role is on the path of training access.
    across = setting("PREDICTION_PROBE_ROLE") if access == TRAINING else ""
    for place, asker in (("outside its path", setting("OUTSIDER_ROLE")), ("the other access role's path", across)):
        if lets_in(tenant, access, tenant.external_id, through=asker):
            raise TrustTooOpen(f"{role_arn} can be assumed from {place}; {AS_DELIVERED}")


def _check_place(ask: Ask, tenant: Tenant) -> None:
    account_id = ask(probe_questions.IDENTITY)["Account"]
    if account_id != tenant.account_id:
        raise WrongAccount(
            f"the role is in account {account_id}, registered is {tenant.account_id}; register the right account"
        )
    try:
        ask(probe_questions.in_bucket(tenant.account))
    except AwsError as error:
        if code_of(error) in ABSENT_BUCKET:
            raise WrongRegion(
                f"account {account_id} has no bucket {tenant.account.bucket}; apply the on-boarding template in the "
                f"registered region, {tenant.region}, or register the right region"
            ) from error


def _check_needed(ask: Ask, tenant: Tenant, access: Access, questions: list[Question]) -> None:
    if missing := [name for question in questions if (name := _refused(ask, question))]:
        raise PermissionMissing(
            f"{tenant.roles.access(access)} may not {', '.join(dict.fromkeys(missing))}; {AS_DELIVERED}"
        )


def _check_dangerous(ask: Ask, tenant: Tenant, access: Access, questions: list[Question]) -> None:
    if excessive := [question.permission for question in questions if not _refused(ask, question)]:
        raise PermissionExcessive(
            f"{tenant.roles.access(access)} may {', '.join(excessive)} beyond what it is for; {AS_DELIVERED}"
        )


def _refused(ask: Ask, question: Question) -> str | None:
    """Return the permission whose lack refuses a call, or None when IAM lets it pass, whatever its result."""
    try:
        ask(question)
    except AwsError as error:
        if code_of(error) in DENIED:
            # Some calls need a second permission, such as iam:PassRole; AWS's message names the one.
            second = re.search(r"perform: ([\w-]+:\w+)", str(error))
            return second[1] if second else question.permission
    return None


class Ask:
    """Makes the calls with a session."""

    def __init__(self, session: CustomerSession) -> None:
        self._session = session

    def __call__(self, question: Question) -> Any:
        """Make the call, and return its answer or raise its error.

        Raises:
            CustomerThrottled: there is no answer, so nothing is proven.
        """
        with named(LATER, f"{question.permission} got no answer; the next probe tries again"):
            return call(self._session.client(question.service), question.operation, question.request)
