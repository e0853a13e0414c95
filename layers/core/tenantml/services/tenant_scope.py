"""Credentials that reach one tenant's rows of the registry, and nothing else.

The functions that tenants call may not read the table as themselves. They assume a role of our own account with the
tenant as a session tag, and that role reaches the partition of the tenant in its tag (`dynamodb:LeadingKeys`; DynamoDB
developer guide, "Using IAM policy conditions for fine-grained access control"). So a bug in a query, or a forged
tenant id, finds nothing of another tenant; and a session without the tag finds nothing at all.

All tenants share one client, whose requests are signed with the credentials of the tenant in scope: a new tenant costs
one AssumeRole an hour and no connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from tenantml.aws import sts
from tenantml.aws.clients import Credentials, platform, signed_client
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.settings import setting

TAG = "tenant"
MARGIN_SECONDS = 300

_tenant: ContextVar[str | None] = ContextVar("tenant", default=None)
_credentials: ExpiringCache[Credentials] = ExpiringCache()


@contextmanager
def scoped_to(tenant: str) -> Iterator[None]:
    """Within this block the registry is read and written with credentials that reach this tenant's rows alone.

    A thread that is started inside is out of scope, unless it runs in a copy of the context; the function has no
    permission of its own, so it is refused there.
    """
    token = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(token)


def dynamodb() -> Any:
    """Return the DynamoDB client of the tenant in scope, or of this function itself outside any scope."""
    return platform("dynamodb") if _tenant.get() is None else _scoped_client()


@lru_cache(maxsize=1)
def _scoped_client() -> Any:
    return signed_client("dynamodb", _credentials_in_scope)


def _credentials_in_scope() -> Credentials:
    tenant = _tenant.get()
    assert tenant is not None, "the scoped client is used outside any scope"
    return credentials_of(tenant)


def credentials_of(tenant: str) -> Credentials:
    """Return credentials for this tenant's rows; kept until five minutes before they end."""
    return _credentials.get(tenant, lambda: _assume(tenant))


def _assume(tenant: str) -> tuple[float, Credentials]:
    session = sts.assume_role(
        platform("sts"), setting("TENANT_DATA_ROLE"), f"tenantml-{tenant}", Tags=[{"Key": TAG, "Value": tenant}]
    )
    return session.expires_at - MARGIN_SECONDS, session.credentials
