"""What was done in a customer's account is on the receipt, and nothing else is."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.domain.access import receipt_chain
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

FIELDS = {"number", "time", "action", "resource", "session", "request_id", "outcome", "count", "previous", "hash"}


@pytest.fixture(scope="module")
def tenant(newcomer: Callable[..., Tenant]) -> Tenant:
    return newcomer("wayne")


@pytest.fixture(scope="module")
def ended(tenant: Tenant, iris: Path) -> Document:
    found = tenant.train("iris", iris, target="species", max_candidates=2)
    assert found["error"] is None, found
    return found


def trail(tenant: Tenant, source: str) -> set[str]:
    """Return the request ids of the newest 50 calls to a service that others than its root made in the account."""
    found = tenant.platform.cloud.client("cloudtrail", tenant.account_id).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventSource", "AttributeValue": f"{source}.amazonaws.com"}]
    )["Events"]
    return {
        json.loads(event["CloudTrailEvent"])["requestID"]
        for event in found
        if event["AccessKeyId"] != tenant.account_id
    }


def test_a_receipt_is_whole_and_says_what_was_done_to_what(tenant: Tenant, ended: Document) -> None:
    receipt = tenant.api.receipt(ended["execution"])
    assert receipt["faults"] == []
    assert receipt["count"] == len(receipt["entries"])
    entries = receipt["entries"]
    assert all(set(entry) == FIELDS for entry in entries)
    head = receipt_chain.Head(receipt["count"], receipt["head"])
    assert receipt_chain.verify(tenant.name, ended["execution"], entries, head) == []
    assert receipt_chain.verify(tenant.name, ended["execution"], entries[:-1], head) != []
    made = {entry["action"]: entry["resource"] for entry in entries if entry["outcome"] == "OK"}
    roles = tenant.registered.roles
    entered = [entry["resource"] for entry in entries if entry["action"] == "sts:AssumeRole"]
    assert set(entered) == {roles.training_access, roles.prediction_access}
    assert entered.count(roles.prediction_access) == 1, "to ask the new version about its holdout"
    arn = f"arn:aws:sagemaker:us-east-1:{tenant.account_id}"
    assert made["sagemaker:CreateAutoMLJobV2"] == f"{arn}:automl-job/{ended['training']['job_name']}"
    assert made["sagemaker:CreateEndpoint"] == f"{arn}:endpoint/{ended['endpoint']['name']}"
    assert made["s3:CopyObject"].endswith(f"/iris/{ended['execution']}/input/train.csv")
    assert {entry["session"] for entry in entries} == {ended["execution"]}
    assert "external" not in json.dumps(entries).lower()


def test_the_customers_own_trail_and_the_receipt_name_the_same_requests(tenant: Tenant, ended: Document) -> None:
    entries = tenant.api.receipt(ended["execution"])["entries"]
    theirs = trail(tenant, "sagemaker")
    assert len(theirs) > 10
    on_receipts = {entry["request_id"] for entry in entries}
    operators = tenant.platform.call("ShowEvidenceFunction", {"tenant": tenant.name})
    for chain in operators["receipts"]:
        found = tenant.platform.call("ShowEvidenceFunction", {"tenant": tenant.name, "receipt": chain})
        assert found["faults"] == []
        on_receipts |= {entry["request_id"] for entry in found["entries"]}
    assert theirs <= on_receipts


def test_another_tenants_receipt_is_answered_as_one_that_does_not_exist(
    acme: Tenant, tenant: Tenant, ended: Document
) -> None:
    refusals = []
    for execution in (ended["execution"], "acme-nothing-0123456789abcdef"):
        with pytest.raises(Refused) as refused:
            acme.api.receipt(execution)
        refusals.append((refused.value.status, refused.value.code, str(refused.value)))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == 404


def test_an_altered_entry_is_found(tenant: Tenant, ended: Document) -> None:
    table = tenant.platform.outputs["EvidenceTable"]
    client = tenant.platform.cloud.client("dynamodb")
    key = {"pk": {"S": f"TENANT#{tenant.name}"}, "sk": {"S": f"RECEIPT#{ended['execution']}#00000003"}}
    was = client.get_item(TableName=table, Key=key)["Item"]
    client.put_item(TableName=table, Item=was | {"outcome": {"S": "Never"}})
    try:
        assert tenant.api.receipt(ended["execution"])["faults"] == [
            "entry 3 is altered: its hash is not that of its content"
        ]
        client.delete_item(TableName=table, Key=key)
        assert tenant.api.receipt(ended["execution"])["faults"] == ["entry 3 is missing"]
    finally:
        client.put_item(TableName=table, Item=was)
    assert tenant.api.receipt(ended["execution"])["faults"] == []


def test_no_role_of_ours_may_delete_evidence(tenant: Tenant) -> None:
    table = tenant.platform.outputs["EvidenceTable"]
    roles = tenant.platform.cloud.client("iam").get_account_authorization_details()["RoleDetailList"]
    statements = [
        statement
        for role in roles
        for policy in role["RolePolicyList"]
        for statement in policy["PolicyDocument"]["Statement"]
        if table in json.dumps(statement.get("Resource", ""))
    ]
    actions = {
        action
        for found in statements
        for action in ([found["Action"]], found["Action"])[isinstance(found["Action"], list)]
    }
    assert actions == {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}


def test_predictions_are_counted(tenant: Tenant, ended: Document, iris: Path) -> None:
    with iris.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    rows: list[dict[str, Any]] = [{name: float(value) for name, value in row.items() if name != "species"}]

    def counted() -> int:
        chains = tenant.platform.call("ShowEvidenceFunction", {"tenant": tenant.name})["receipts"]
        return sum(
            entry["count"]
            for chain in chains
            if chain.startswith("tenantml-predict-iris/")
            for entry in tenant.platform.call("ShowEvidenceFunction", {"tenant": tenant.name, "receipt": chain})[
                "entries"
            ]
            if entry["action"] == "sagemaker:InvokeEndpoint" and entry["resource"].endswith(ended["endpoint"]["name"])
        )

    asked, deadline = 0, time.monotonic() + PATIENCE_SECONDS
    while counted() < 5:
        assert time.monotonic() < deadline, f"{asked} predictions, {counted()} counted"
        tenant.api.predict_rows("iris", rows)
        asked += 1
    assert counted() <= asked
