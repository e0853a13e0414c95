"""Tenants: what an operator may register."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tenantml.domain.names import Roles
from tenantml.domain.tenancy.tenant import ACTIVE, OFFBOARDED, REGISTERED, SUSPENDED, Tenant, register, require_active
from tenantml.errors import InvalidRegistration, TenantSuspended
from tests.tenants import tenant_of

OURS = "111111111111"
REQUEST = {"tenant": "acme", "account_id": "222222222222", "region": "eu-central-1", "contact": "cloud@acme.example"}


def test_a_registered_tenant_is_inactive_and_has_an_external_id_of_its_own() -> None:
    tenant, other = register(REQUEST, OURS, "tenantml"), register(REQUEST, OURS, "tenantml")
    assert tenant.status == REGISTERED
    assert tenant.external_id != other.external_id
    assert len(tenant.external_id) == len("tenantml-") + 43  # 256 bits as base64
    assert tenant.prefix != other.prefix
    assert tenant.roles == Roles.named("222222222222", "eu-central-1", "tenantml", "acme", tenant.prefix)


def test_a_tenant_survives_being_written_and_read_among_other_attributes() -> None:
    tenant = register(REQUEST, OURS, "tenantml")
    assert Tenant.from_document({"pk": "TENANT#acme", **tenant.as_document(), "registered_at": "now"}) == tenant


THEIRS = {
    "kms_key_arn": "arn:aws:kms:eu-central-1:333333333333:key/mrk-0a1b",
    "subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
    "security_group_ids": ["sg-0a1b2c3d"],
    "instance_types": ["ml.m5.large", "ml.c5.xlarge"],
}


def test_a_customers_own_key_and_network_are_part_of_its_account() -> None:
    tenant = register(REQUEST | THEIRS, OURS, "tenantml")
    assert tenant.account.kms_key_arn == THEIRS["kms_key_arn"]
    assert tenant.account.vpc_config == {"Subnets": THEIRS["subnet_ids"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    assert Tenant.from_document(json.loads(json.dumps(tenant.as_document()))) == tenant
    assert tenant.account.instance_types == ("ml.m5.large", "ml.c5.xlarge")
    assert register(REQUEST, OURS, "tenantml").account.vpc_config == {}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"tenant": None}, "tenant: missing"),
        ({"contact": ""}, "contact: missing"),
        ({"tenant": "Acme"}, "tenant: expected"),
        ({"tenant": ["acme"]}, "tenant: expected"),
        ({"account_id": "123"}, "account_id: expected the 12 digits"),
        ({"account_id": "arn:aws:iam::222222222222:root"}, "account_id: expected the 12 digits"),
        ({"account_id": "22222222222\N{ARABIC-INDIC DIGIT TWO}"}, "account_id: expected the 12 digits"),
        ({"account_id": OURS}, "account_id: this is our own account"),
        ({"account_id": int(OURS)}, "account_id: this is our own account"),
        ({"region": "Frankfurt"}, "region: expected one of af-south-1, "),
        ({"region": "us-west-9"}, "us-east-2, us-gov-east-1"),
        ({"region": ["eu-central-1"]}, "region: expected one of"),
        ({"external_id": "chosen-by-me"}, "external_id: unknown field"),
        ({"role_arn": "arn:aws:iam::222222222222:role/mine"}, "role_arn: unknown field"),
        ({"kms_key_arn": "alias/mine"}, "kms_key_arn: expected the ARN of a KMS key (no alias) in eu-central-1"),
        ({"kms_key_arn": "arn:aws:kms:eu-central-1:222222222222:alias/mine"}, "kms_key_arn: expected"),
        ({"kms_key_arn": "arn:aws:kms:us-east-1:222222222222:key/0a1b"}, "kms_key_arn: expected"),
        ({"kms_key_arn": ["arn:aws:kms:eu-central-1:222222222222:key/0a1b"]}, "kms_key_arn: expected"),
        ({"subnet_ids": ["subnet-0a1b2c3d"]}, "a VPC needs both"),
        ({"security_group_ids": ["sg-0a1b2c3d"]}, "a VPC needs both"),
        ({"subnet_ids": "subnet-0a1b2c3d", "security_group_ids": ["sg-0a1b2c3d"]}, "subnet_ids: expected a list"),
        ({"subnet_ids": ["vpc-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]}, "subnet_ids: expected a list"),
        ({"instance_types": ["ml.m5.large,*"]}, "instance_types: expected a list"),
        ({"instance_types": "ml.m5.large"}, "instance_types: expected a list"),
        ({"instance_types": ["ml.m5.large"] * 21}, "at most 20 fit"),
        ({"subnet_ids": ["subnet-0a1b2c3d,*"], "security_group_ids": ["sg-0a1b2c3d"]}, "subnet_ids: expected a list"),
        ({"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"] * 6}, "SageMaker accepts 5"),
    ],
)
def test_a_registration_that_cannot_be_is_refused_by_its_field(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidRegistration) as caught:
        register({**REQUEST, **changes}, OURS, "tenantml")
    assert wrong in str(caught.value)


def test_an_active_tenant_may_use_the_system() -> None:
    tenant = tenant_of("acme", "222222222222", "eu-central-1", "c", "x", ACTIVE)
    assert require_active(tenant) is tenant


@pytest.mark.parametrize("status", [REGISTERED, SUSPENDED, OFFBOARDED])
def test_any_other_tenant_is_refused_with_the_reason_of_its_status(status: str) -> None:
    tenant = tenant_of("acme", "222222222222", "eu-central-1", "c", "x", status, "TrustTooOpen: too open")
    with pytest.raises(TenantSuspended, match=f"{status}: TrustTooOpen"):
        require_active(tenant)


def test_a_tenant_that_is_gone_is_refused_too() -> None:
    with pytest.raises(TenantSuspended):
        require_active(None)
