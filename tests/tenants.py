"""Tenants and their accounts, as tests need them."""

from __future__ import annotations

from typing import Any

from tenantml.domain.names import CustomerAccount, Roles
from tenantml.domain.tenancy.tenant import Tenant

STACK, PREFIX = "tenantml", "tml-abc234"


def tenant_of(
    tenant: str = "acme",
    account_id: str = "222222222222",
    region: str = "us-east-1",
    contact: str = "cloud@acme.example",
    external_id: str = "tenantml-external-id",
    *more: Any,
    prefix: str = PREFIX,
    **fields: Any,
) -> Tenant:
    """A tenant of the stack `tenantml`, with the roles that its template would create."""
    roles = Roles.named(account_id, region, STACK, tenant, prefix)
    return Tenant(tenant, account_id, region, contact, external_id, prefix, roles, *more, **fields)


def account_of(
    account_id: str = "222222222222", region: str = "us-east-1", kms_key_arn: str = "", *network: Any, **fields: Any
) -> CustomerAccount:
    """The account of a tenant, `acme` by default."""
    roles = Roles.named(account_id, region, STACK, tenant := fields.pop("tenant", "acme"), PREFIX)
    return CustomerAccount(account_id, region, tenant, PREFIX, roles, kms_key_arn, *network, **fields)
