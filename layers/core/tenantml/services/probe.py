"""The probe: prove that a tenant's access role admits our pipeline, with this tenant's external ID alone, and allows
what the pipeline does and no more.

A survey of 90 vendors found that half did not check it; a role that trusts our account without the condition can be
used through us by any other tenant that names it. So the probe runs before a tenant is active, and hourly after that.
"""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from typing import Any

from tenantml.aws.clients import call
from tenantml.aws.error_codes import ABSENT_BUCKET, BUSY, DENIED, AwsError, Names, code_of, named
from tenantml.domain.access import probe_questions, session_policies
from tenantml.domain.access.probe_questions import Question
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

LATER: Names = dict.fromkeys(BUSY, CustomerThrottled)
AS_DELIVERED = "apply the on-boarding template again, unchanged and with the given parameters"


def probe(tenant: Tenant, of_another_tenant: str | None = None) -> None:
    """Return when the role is as it must be; `of_another_tenant` is another tenant's external ID, if there is one.

    Raises:
        RoleNotAssumable: it refuses us.
        TrustTooOpen: it lets us in with no external ID, a wrong one, or from outside the pipeline.
        WrongAccount, WrongRegion: it is not where it was registered.
        PermissionMissing, PermissionExcessive: it may do less or more than the pipeline does.
        CustomerThrottled: a call got no answer, so nothing is proven; try again later.
    """
    policy = session_policies.probe(
        tenant.account, probe_questions.permissions(tenant.account), probe_questions.NAME, probe_questions.NOT_OURS
    )
    try:
        session = assume(tenant, probe_questions.NAME, policy)
    except CustomerAccessRevoked as error:
        raise RoleNotAssumable(
            f"{tenant.account.access_role_arn} cannot be assumed with this tenant's external ID; {AS_DELIVERED}"
        ) from error
    _check_trust(tenant, of_another_tenant)
    ask = Ask(session)
    _check_place(ask, tenant)
    _check_permissions(ask, tenant)


def _check_trust(tenant: Tenant, of_another_tenant: str | None) -> None:
    role_arn, random = tenant.account.access_role_arn, secrets.token_urlsafe(24)
    for label, wrong in probe_questions.wrong_external_ids(tenant.external_id, of_another_tenant, random).items():
        if lets_in(tenant, wrong):
            raise TrustTooOpen(f"{role_arn} can be assumed with {label}; {AS_DELIVERED}")
    if lets_in(tenant, tenant.external_id, outsider=True):
        raise TrustTooOpen(f"{role_arn} can be assumed from outside the pipeline; {AS_DELIVERED}")


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


def _check_permissions(ask: Ask, tenant: Tenant) -> None:
    if missing := [name for question in probe_questions.needed(tenant.account) if (name := _refused(ask, question))]:
        raise PermissionMissing(f"the access role may not {', '.join(dict.fromkeys(missing))}; {AS_DELIVERED}")
    if excessive := [question.permission for question in probe_questions.dangerous() if not _refused(ask, question)]:
        raise PermissionExcessive(
            f"the access role may {', '.join(excessive)} beyond what is ours, which the pipeline never does; "
            f"{AS_DELIVERED}"
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
    """Makes the calls, with one client per service."""

    def __init__(self, session: CustomerSession) -> None:
        self.session = session
        self._client = lru_cache(session.client)

    def __call__(self, question: Question) -> Any:
        """Make the call, and return its answer or raise its error.

        Raises:
            CustomerThrottled: there is no answer, so nothing is proven.
        """
        with named(LATER, f"{question.permission} got no answer; the next probe tries again"):
            return call(self._client(question.service), question.operation, question.request)
