"""Receipts as they are written: by two writers at once, after the execution's row is gone, and for predictions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import botocore.credentials
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.operators.show_evidence import handler as show_evidence
from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import to_item
from tenantml.domain.access.receipt_chain import Entry
from tenantml.domain.api import pagination
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.errors import InvalidRequest
from tenantml.services import evidence, receipts, registry
from tenantml.services.customer import CustomerSession
from tenantml.services.registry import keys, table
from tests.functions import template
from tests.tenants import tenant_of

TEMPLATE = template()["Resources"]
TENANT = tenant_of("acme", "222222222222", "us-east-1", "cloud@acme.example", "tenantml-external-id", ACTIVE)
EXECUTION = "acme-churn-0123456789abcdef"


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        for variable, table in {"REGISTRY_TABLE": "RegistryTable", "EVIDENCE_TABLE": "EvidenceTable"}.items():
            known = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            found = TEMPLATE[table]["Properties"]
            platform("dynamodb").create_table(TableName=table, **{key: found[key] for key in known if key in found})
            monkeypatch.setenv(variable, table)
        receipts._heads.clear()
        yield


def call(number: int = 1) -> Entry:
    return {
        "time": evidence.now(),
        "action": "sagemaker:DescribeEndpoint",
        "resource": "arn:aws:sagemaker:us-east-1:222222222222:endpoint/tenantml-churn",
        "session": EXECUTION,
        "request_id": f"request-{number}",
        "outcome": "OK",
        "count": 1,
    }


def request_ids(chain: str) -> list[str]:
    found = receipts.read("acme", chain)
    assert found is not None
    assert found["faults"] == []
    return [entry["request_id"] for entry in found["entries"]]


def test_a_writer_whose_knowledge_is_stale_goes_on_from_the_real_end() -> None:
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    receipts.append("acme", EXECUTION, [call(1)])
    stale = dict(receipts._heads)
    receipts.append("acme", EXECUTION, [call(2)])
    receipts._heads.update(stale)  # as another process has it, which wrote last before that
    receipts.append("acme", EXECUTION, [call(3)])
    receipts._heads.clear()
    receipts.append("acme", EXECUTION, [call(4), call(5)])
    assert request_ids(EXECUTION) == [f"request-{number}" for number in range(1, 6)]


def test_an_execution_whose_row_is_gone_is_not_brought_back_and_its_calls_are_not_lost() -> None:
    receipts.append("acme", EXECUTION, [call()])
    assert registry.find_execution("acme", EXECUTION) is None
    (chain,) = receipts.chains("acme")
    assert chain.startswith(f"{EXECUTION}/")
    assert request_ids(chain) == ["request-1"]


def test_an_end_that_is_kept_outlives_the_execution() -> None:
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    receipts.append("acme", EXECUTION, [call()])
    head = receipts.read_head("acme", EXECUTION)
    assert head is not None
    receipts.keep_head("acme", EXECUTION, head)
    registry.forget("acme")
    assert request_ids(EXECUTION) == ["request-1"]


def test_a_chain_that_nobody_wrote_does_not_exist() -> None:
    assert receipts.read("acme", EXECUTION) is None
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    found = receipts.read("acme", EXECUTION)
    assert found is not None
    assert (found["count"], found["entries"], found["faults"]) == (0, [], [])


def test_a_recorded_client_writes_each_call_with_its_outcome_and_no_payload() -> None:
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    credentials = botocore.credentials.Credentials("key", "secret", "token")
    client = CustomerSession(TENANT, credentials, time.time() + 900, EXECUTION).client("s3")
    client.create_bucket(Bucket="theirs")
    client.put_object(Bucket="theirs", Key="a/b.csv", Body=b"a secret row")
    with pytest.raises(ClientError):
        client.get_object(Bucket="theirs", Key="nothing")
    found = receipts.read("acme", EXECUTION)
    assert found is not None
    assert [(entry["action"], entry["resource"], entry["outcome"]) for entry in found["entries"]] == [
        ("s3:CreateBucket", "arn:aws:s3:::theirs", "OK"),
        ("s3:PutObject", "arn:aws:s3:::theirs/a/b.csv", "OK"),
        ("s3:GetObject", "arn:aws:s3:::theirs/nothing", "NoSuchKey"),
    ]
    assert all(entry["request_id"] for entry in found["entries"])
    assert "secret" not in str(found)


def test_calls_expire_and_what_is_left_still_leads_to_the_kept_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TEMPLATE["EvidenceTable"]["Properties"]["TimeToLiveSpecification"]["AttributeName"] == evidence.FORGET_AT
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    clock = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    monkeypatch.setenv("RECEIPT_DAYS", "30")
    receipts.append("acme", EXECUTION, [call(1), call(2)])
    clock[0] += 20 * 24 * 3600
    receipts.append("acme", EXECUTION, [call(3)])

    def found() -> dict[str, Any]:
        receipt = receipts.read("acme", EXECUTION)
        assert receipt is not None
        assert receipt["count"] == 3
        return {
            name: receipt[name] if name != "entries" else [entry["request_id"] for entry in receipt["entries"]]
            for name in ("expired", "faults", "entries")
        }

    assert found() == {"expired": 0, "faults": [], "entries": ["request-1", "request-2", "request-3"]}
    clock[0] += 10 * 24 * 3600 + 1  # DynamoDB deletes within days; what is over is not shown meanwhile
    assert found() == {"expired": 2, "faults": [], "entries": ["request-3"]}
    delete("acme", 1)
    assert found() == {"expired": 2, "faults": [], "entries": ["request-3"]}
    delete("acme", 2)
    assert found() == {"expired": 2, "faults": [], "entries": ["request-3"]}
    altered("acme", 3)
    assert len(found()["faults"]) == 1, "what is left is checked as ever"
    clock[0] += 30 * 24 * 3600
    assert found() == {"expired": 3, "faults": [], "entries": []}
    delete("acme", 3)
    assert found() == {"expired": 3, "faults": [], "entries": []}
    monkeypatch.setenv("RECEIPT_DAYS", "0")
    receipts.append("acme", EXECUTION, [call(4)])
    receipt = receipts.read("acme", EXECUTION)
    assert receipt is not None
    assert (receipt["count"], receipt["head"]) == (4, receipt["entries"][-1]["hash"])


def test_a_call_that_is_missing_from_a_receipt_without_an_end_of_time_is_a_fault() -> None:
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    receipts.append("acme", EXECUTION, [call(1), call(2), call(3)])
    delete("acme", 1)
    found = receipts.read("acme", EXECUTION)
    assert found is not None
    assert (found["expired"], found["faults"]) == (0, ["entry 1 is missing"])


def test_a_call_in_the_middle_never_expires_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIPT_DAYS", "30")
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    receipts.append("acme", EXECUTION, [call(1), call(2), call(3)])
    delete("acme", 2)
    found = receipts.read("acme", EXECUTION)
    assert found is not None
    assert (found["expired"], found["faults"]) == (0, ["entry 2 is missing"])


def test_a_call_writes_little_however_large_its_executions_row_is() -> None:
    """A row is paid for as a whole: 100 calls of a training would write 8 KB of advice a hundred times."""
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}, "advice": "x" * 9000})
    written: list[int] = []
    receipts.append("acme", EXECUTION, [call(1)])

    def note(params: dict[str, Any], **_: Any) -> None:
        written.extend(len(str(item)) for item in params["TransactItems"])
        names = [item["Update"]["Key"]["sk"]["S"] for item in params["TransactItems"] if "Update" in item]
        assert names == [f"RECEIPT_END#{EXECUTION}"]

    platform("dynamodb").meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", note)
    receipts.append("acme", EXECUTION, [call(2)])
    platform("dynamodb").meta.events.unregister("before-parameter-build.dynamodb.TransactWriteItems", note)
    assert sum(written) < 2000
    assert request_ids(EXECUTION) == ["request-1", "request-2"]


def test_a_receipt_whose_end_is_on_the_executions_row_goes_on_from_there() -> None:
    """As versions of ours before this one kept it."""
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    receipts.append("acme", EXECUTION, [call(1)])
    head = receipts.read_head("acme", EXECUTION)
    assert head is not None
    table.delete(keys.end_of_receipt("acme", EXECUTION))
    registry.update_execution("acme", EXECUTION, {"receipt_count": head.count, "receipt_head": head.hash})
    receipts._heads.clear()
    assert request_ids(EXECUTION) == ["request-1"]
    receipts.append("acme", EXECUTION, [call(2)])
    receipts.append("acme", EXECUTION, [call(3)])
    assert request_ids(EXECUTION) == ["request-1", "request-2", "request-3"]


def delete(tenant: str, number: int) -> None:
    """As DynamoDB does once an entry's time is over."""
    row = keys.receipt(tenant, EXECUTION, number)
    platform("dynamodb").delete_item(TableName="EvidenceTable", Key=to_item(row._asdict()))


def altered(tenant: str, number: int) -> None:
    """As somebody might who can write to the table."""
    platform("dynamodb").update_item(
        TableName="EvidenceTable",
        Key=to_item(keys.receipt(tenant, EXECUTION, number)._asdict()),
        UpdateExpression="SET outcome = :none",
        ExpressionAttributeValues=to_item({":none": "nothing"}),
    )


def predicted(recorder: receipts.Recorder, request_id: str) -> None:
    context: dict[str, Any] = {}
    recorder.before({"EndpointName": "tenantml-churn", "Body": b"1,2"}, context)
    answer = {"ResponseMetadata": {"RequestId": request_id}}
    recorder.after("response-received.sagemaker-runtime.InvokeEndpoint", answer, None, context)


def test_predictions_are_counted_and_written_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [time.monotonic() + receipts.FLUSH_SECONDS]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    recorder = receipts.Recorder(TENANT, "tenantml-predict-churn", "sagemaker")
    for number in range(10):
        predicted(recorder, f"request-{number}")
    (chain,) = receipts.chains("acme")
    assert request_ids(chain) == ["request-0"]
    clock[0] += receipts.FLUSH_SECONDS
    predicted(recorder, "request-10")
    found = receipts.read("acme", chain)
    assert found is not None
    assert [(entry["request_id"], entry["count"]) for entry in found["entries"]] == [
        ("request-0", 1),
        ("request-1", 10),
    ]


def test_a_prediction_is_answered_though_its_receipt_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = receipts.Recorder(TENANT, "tenantml-predict-churn", "sagemaker")
    monkeypatch.setenv("EVIDENCE_TABLE", "gone")
    predicted(recorder, "request-1")
    monkeypatch.setenv("EVIDENCE_TABLE", "EvidenceTable")
    predicted(recorder, "request-2")
    (chain,) = receipts.chains("acme")
    found = receipts.read("acme", chain)
    assert found is not None
    assert [(entry["request_id"], entry["count"]) for entry in found["entries"]] == [("request-1", 2)]


def test_an_operator_is_shown_a_long_receipt_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "MAX_ENTRIES", 10)  # a thousand take the fake table minutes
    registry.add_execution("acme", EXECUTION, {"upload": {"uploaded_at": "2026-11-22T17:03:01Z"}})
    receipts.append("acme", EXECUTION, [call(number) for number in range(12)])
    request = {"tenant": "acme", "receipt": EXECUTION}
    page = show_evidence(request, None)
    assert (len(page["entries"]), page["count"], page["faults"]) == (10, 12, [])
    last = show_evidence(request | {"next_token": page["next_token"]}, None)
    assert [entry["request_id"] for entry in page["entries"] + last["entries"]] == request_ids(EXECUTION)
    assert last["next_token"] is None
    assert len(last["text"].splitlines()) == 2
    with pytest.raises(InvalidRequest, match="next_token"):
        show_evidence(request | {"next_token": "elsewhere"}, None)
