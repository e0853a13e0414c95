"""Credentials that reach one tenant's rows, profiles and uploads, and nothing else.

The functions that tenants call may not reach these as themselves. Each assumes a role of its own in our account
(`TENANT_DATA_ROLE`) with the tenant as a session tag, and that role reaches what the tag names and the function needs:
the tenant's partitions (`dynamodb:LeadingKeys`; DynamoDB developer guide, "Using IAM policy conditions for
fine-grained access control"), and its keys in our buckets
(`aws:PrincipalTag` in the resource; IAM user guide, "IAM policy elements: Variables and tags"). So a bug in a query,
or a forged tenant id, finds nothing of another tenant; and a session without the tag finds nothing at all.

All tenants share one client a service, whose requests are signed with the credentials of the tenant in scope: a new
tenant costs one AssumeRole in half an hour and no connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from tenantml.aws import sts
from tenantml.aws.clients import CONFIG, Credentials, platform, signed_client
from tenantml.aws.s3 import presigned
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.settings import setting

TAG = "tenant"
MARGIN_SECONDS = presigned.LASTING_SECONDS  # what is signed with a session ends with it

_tenant: ContextVar[str | None] = ContextVar("tenant", default=None)
_credentials: ExpiringCache[Credentials] = ExpiringCache()


@contextmanager
def scoped_to(tenant: str) -> Iterator[None]:
    """Within this block `dynamodb` and `s3` have credentials that reach what is this tenant's alone.

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
    return platform("dynamodb") if _tenant.get() is None else _scoped_client("dynamodb")


def s3() -> Any:
    """Return the S3 client of the tenant in scope, which reads its profiles and signs its uploads.

    Using it outside any scope is a bug, and fails.
    """
    return _scoped_client("s3")


@lru_cache(maxsize=2)
def _scoped_client(service: str) -> Any:
    return signed_client(service, _credentials_in_scope, presigned.SIGNING if service == "s3" else CONFIG)


def _credentials_in_scope() -> Credentials:
    tenant = _tenant.get()
    assert tenant is not None, "the scoped client is used outside any scope"
    return credentials_of(tenant)


def credentials_of(tenant: str) -> Credentials:
    """Return credentials for what is this tenant's; they last for another half an hour."""
    return _credentials.get(tenant, lambda: _assume(tenant))


def _assume(tenant: str) -> tuple[float, Credentials]:
    session = sts.assume_role(
        platform("sts"), setting("TENANT_DATA_ROLE"), f"tenantml-{tenant}", Tags=[{"Key": TAG, "Value": tenant}]
    )
    return session.expires_at - MARGIN_SECONDS, session.credentials
