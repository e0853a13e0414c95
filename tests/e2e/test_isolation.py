"""Tenant A never reaches tenant B: the attempts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from local.tenant_api import Refused, TenantApi

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant


def test_a_wrong_external_id_is_refused_and_so_is_none(acme: Tenant) -> None:
    sts = acme.platform.cloud.client("sts")
    role_arn = f"arn:aws:iam::{acme.account_id}:role/customer_trusting_saas"
    for attempt in ({}, {"ExternalId": "tenantml-guessed"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(RoleArn=role_arn, RoleSessionName="attempt", **attempt)


def test_even_with_the_right_external_id_only_the_pipelines_roles_get_in(acme: Tenant) -> None:
    row = acme.platform.cloud.client("dynamodb").get_item(
        TableName=acme.platform.outputs["RegistryTable"], Key={"pk": {"S": "TENANT#acme"}, "sk": {"S": "TENANT"}}
    )["Item"]
    with pytest.raises(ClientError, match="AccessDenied"):
        acme.platform.cloud.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{acme.account_id}:role/customer_trusting_saas",
            RoleSessionName="attempt",
            ExternalId=row["external_id"]["S"],
        )


def test_another_tenants_model_is_answered_exactly_as_one_that_does_not_exist(
    acme: Tenant, globex: Tenant, churn: Path
) -> None:
    acme.api.configure("private", {"target": "Churn?"})
    refusals = []
    for model in ("private", "nonexistent"):
        with pytest.raises(Refused) as refused:
            globex.api.predict_rows(model, [{"a": 1}])
        refusals.append((refused.value.status, refused.value.code, str(refused.value)))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == 404


@pytest.mark.parametrize("key", ["", "tml_wrong", "x" * 500])
def test_no_key_and_a_wrong_key_are_refused(acme: Tenant, key: str) -> None:
    with pytest.raises(Refused) as refused:
        TenantApi(acme.platform.api_url, key).predict_rows("private", [{"a": 1}])
    assert refused.value.status == 401


def test_a_presigned_form_takes_no_other_key(acme: Tenant, tmp_path: Path) -> None:
    from local.tenant_api import post_form

    path = tmp_path / "file.csv"
    path.write_text("a,b\n")
    acme.api.configure("forms", {"target": "b"})
    form = acme.api._call("POST", "/models/forms/uploads", b'{"file_name": "file.csv"}')
    with pytest.raises(Refused) as refused:
        post_form(form["url"], form["fields"] | {"key": "globex/forms/file.csv"}, path)
    assert refused.value.status == 403


def test_an_account_belongs_to_one_tenant(acme: Tenant) -> None:
    registration = {
        "tenant": "intruder",
        "account_id": acme.account_id,
        "region": "us-east-1",
        "contact": "x@example.com",
    }
    with pytest.raises(Refused) as refused:
        acme.platform.call("RegisterTenantFunction", registration)
    assert refused.value.code == "RegistrationConflict"
