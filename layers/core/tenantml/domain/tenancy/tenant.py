"""Tenants: who may use the system, and which customer's account is theirs."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from tenantml.domain.names import (
    ACCOUNT_PATTERN,
    CustomerAccount,
    Roles,
    is_tenant,
    new_account_prefix,
)
from tenantml.domain.tenancy.operator_requests import NOUNS, is_text, shown
from tenantml.domain.tenancy.regions import REGIONS
from tenantml.domain.training.instance_types import INSTANCE_TYPES
from tenantml.errors import InvalidRegistration, TenantSuspended

REQUIRED = ("tenant", "account_id", "region", "contact")
OPTIONAL = ("kms_key_arn", "subnet_ids", "security_group_ids", "instance_types")
KMS_KEY_PATTERN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[a-zA-Z0-9-]{1,64}")
# At most 16 subnets and 5 security groups, and both or neither (SageMaker API reference, "VpcConfig").
NETWORK = {"subnet_ids": ("subnet", 16), "security_group_ids": ("sg", 5)}
MAX_INSTANCE_TYPES = 20
REGISTERED, ACTIVE, SUSPENDED, OFFBOARDED = "registered", "active", "suspended", "offboarded"


@dataclass(frozen=True)
class Tenant:
    """A tenant as the registry holds it; `external_id` is ours, unique, and never taken from a request.

    `prefix` begins the names of all that it has in its account, `roles` are the ARNs that were given to its cloud team.

    `held` means that an operator suspended it, so that no probe lifts the suspension; `status_at` is ISO 8601, empty
    before the first change. The customer's own key, network and instance types are empty unless it requires them.
    """

    tenant: str
    account_id: str
    region: str
    contact: str
    external_id: str
    prefix: str
    roles: Roles
    status: str = REGISTERED
    reason: str = ""
    held: bool = False
    status_at: str = ""
    kms_key_arn: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()

    @property
    def account(self) -> CustomerAccount:
        """The places in this tenant's own AWS account."""
        return CustomerAccount(
            self.account_id,
            self.region,
            self.tenant,
            self.prefix,
            self.roles,
            self.kms_key_arn,
            self.subnet_ids,
            self.security_group_ids,
            self.instance_types,
        )

    @property
    def registration(self) -> str:
        """Which registration this is: an id may be registered, off-boarded and registered again."""
        return hashlib.sha256(self.external_id.encode()).hexdigest()[:16]

    def as_document(self) -> dict[str, Any]:
        """Return the tenant as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Tenant:
        """Read what `as_document` wrote; other attributes of the registry's row are ignored."""
        known: dict[str, Any] = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        known |= {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**known | {"roles": Roles(**document["roles"])})


def require_active(tenant: Tenant | None) -> Tenant:
    """Return the tenant if it may use the system.

    Raises:
        TenantSuspended: it is not active; the message states why, to the tenant itself.
    """
    if tenant is None:
        raise TenantSuspended("this tenant is not active; ask the operator why")
    if tenant.status != ACTIVE:
        raise TenantSuspended(f"this tenant is {tenant.status}: {tenant.reason or 'ask the operator why'}")
    return tenant


def register(request: dict[str, Any], platform_account_id: str, stack: str) -> Tenant:
    """Make a tenant from an operator's request, with a random external ID (256 bits).

    AWS asks the provider to generate the ID, unique per customer and never reused (IAM user guide, "The confused
    deputy problem").

    Raises:
        InvalidRegistration: names each field that is missing or malformed, or the account is our own.
    """
    wrong = [f"{name}: missing" for name in REQUIRED if not request.get(name)]
    wrong += [f"{shown(name)}: unknown field" for name in request if name not in {*REQUIRED, *OPTIONAL}]
    if not wrong:
        if not is_tenant(request["tenant"]):
            wrong.append("tenant: expected 2 to 20 of a-z, 0-9 and inner hyphens, starting with a letter")
        if not ACCOUNT_PATTERN.fullmatch(str(request["account_id"])):
            wrong.append("account_id: expected the 12 digits of the customer's AWS account")
        elif str(request["account_id"]) == platform_account_id:
            wrong.append("account_id: this is our own account; a tenant needs its own account")
        if request["region"] not in REGIONS:
            # Elsewhere the customer's template would fail: it knows no registry of SageMaker's images there.
            wrong.append(f"region: expected one of {', '.join(REGIONS)}")
        if not is_text(request["contact"]):
            wrong.append(f"contact: expected {NOUNS[str]}, such as an address to write to")
        wrong += _wrong_key_or_network(request)
    if wrong:
        raise InvalidRegistration("; ".join(wrong))
    tenant, account_id, region = request["tenant"], str(request["account_id"]), request["region"]
    prefix = new_account_prefix()
    return Tenant(
        tenant=tenant,
        account_id=account_id,
        region=region,
        contact=request["contact"],
        external_id=f"tenantml-{secrets.token_urlsafe(32)}",
        prefix=prefix,
        roles=Roles.named(account_id, region, stack, tenant, prefix),
        kms_key_arn=request.get("kms_key_arn") or "",
        subnet_ids=tuple(request.get("subnet_ids") or ()),
        security_group_ids=tuple(request.get("security_group_ids") or ()),
        instance_types=tuple(request.get("instance_types") or ()),
    )


def _wrong_key_or_network(request: dict[str, Any]) -> list[str]:
    """Return what is wrong with the customer's own key and network.

    S3 and SageMaker accept a key of their own region only; an alias can be moved to another key.
    """
    wrong = []
    if key := request.get("kms_key_arn"):
        parts = KMS_KEY_PATTERN.fullmatch(str(key))
        if not parts or parts[1] != request["region"]:
            wrong.append(f"kms_key_arn: expected the ARN of a KMS key (no alias) in {request['region']}")
    for name, (kind, limit) in NETWORK.items():
        ids = request.get(name) or []
        if not isinstance(ids, list) or not all(re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", str(item)) for item in ids):
            wrong.append(f"{name}: expected a list of ids such as {kind}-0a1b2c3d")
        elif len(ids) > limit:
            wrong.append(f"{name}: {len(ids)} are given, SageMaker accepts {limit}")
    types = request.get("instance_types") or []
    if not isinstance(types, list) or not all(item in INSTANCE_TYPES for item in types):
        wrong.append("instance_types: expected a list of SageMaker's instance types such as ml.m5.large")
    elif len(types) > MAX_INSTANCE_TYPES:
        wrong.append(f"instance_types: {len(types)} are given, at most {MAX_INSTANCE_TYPES} fit into the role's policy")
    if bool(request.get("subnet_ids")) != bool(request.get("security_group_ids")):
        wrong.append("subnet_ids, security_group_ids: a VPC needs both")
    return wrong
