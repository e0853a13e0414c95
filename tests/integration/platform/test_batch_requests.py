"""Batches as the API takes and shows them, and what becomes of a file that nobody may send."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.domain.predictions.batch import FILE_BYTES, LONGEST_SECONDS, Batch, is_over
from tenantml.domain.tenancy.tenant import SUSPENDED, Tenant
from tenantml.domain.training.run import Run
from tenantml.errors import (
    TransformFailed,
    TransformStopped,
    TransformTimedOut,
    UnknownTenant,
    UploadTooLarge,
    WrongUploadKey,
)
from tenantml.services import registry, tenant_scope
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.services.registry import keys, table, uploads
from tests.rows import put_training, put_version

LIVE, OTHER, PRUNED = "v20261122-170301-55c3", "v20261122-180301-66d4", "v20261121-180301-77e5"
TRAINED = "acme-churn-55c304f9941bab27"
Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(tenant: Tenant, invoke: Callable[[str, Any], Any]) -> Ask:
    """Send a request about batches, and return its status and answer."""
    tenant_scope._scoped_client.cache_clear()
    tenant_scope._credentials = ExpiringCache()

    def ask(
        method: str, body: Any = None, batch: str = "", model: str = "churn", owner: str = "acme", key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        path = "/models/{model}/batches" + ("/{batch}" if batch else "")
        answer = invoke(
            "tenant_api",
            {
                "httpMethod": method,
                "resource": path,
                "pathParameters": {"model": model} | ({"batch": batch} if batch else {}),
                "headers": {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {}),
                "requestContext": {"authorizer": {"tenant": owner, "key_id": "0123456789ab"}},
                "body": None if body is None else json.dumps(body),
            },
        )
        return answer["statusCode"], json.loads(answer["body"])

    return ask


@pytest.fixture
def versions(tenant: Tenant) -> None:
    """A live version, another one that is kept, and one whose artefacts are deleted."""
    known = {"profile": {"bucket": "b", "key": "k"}, "output_keys": [], "endpoint": "e", "serverless": False}
    for version, execution in ((LIVE, TRAINED), (OTHER, TRAINED), (PRUNED, "acme-churn-0000000000000000")):
        put_version("acme", "churn", version, known | {"execution": execution})
    put_training(Run(TRAINED, "acme", "churn", LIVE), "2026-11-22T17:10:00Z")
    table.update(keys.model("acme", "churn"), {"live_version": LIVE})


def test_a_batch_is_asked_for_once_under_one_key_and_shown_before_its_file_came(ask: Ask, versions: None) -> None:
    (status, made), (_, again) = (ask("POST", {}, key="k1") for _ in range(2))
    assert (status, made["batch"], made["version"]) == (201, again["batch"], LIVE)
    assert made["form"]["fields"]["key"] == f"acme/churn/batches/{made['batch']}.csv"
    status, shown = ask("GET", batch=made["batch"])
    assert (status, shown["status"], shown["execution"], shown["download"]) == (200, "awaiting file", None, None)
    status, refused = ask("POST", {"version": OTHER}, key="k1")
    assert (status, refused["code"]) == (422, "IdempotencyKeyReused")
    assert ask("POST", {"version": OTHER})[1]["version"] == OTHER
    assert ask("GET")[1]["batches"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": PRUNED}, 409, "ArtefactsGone"),
        ({"version": "v20200101-000000-0000"}, 404, "NotFound"),
        ({"version": "latest"}, 400, "InvalidRequest"),
        ({"versions": LIVE}, 400, "InvalidRequest"),
        ([], 400, "InvalidRequest"),
    ],
)
def test_a_batch_that_no_version_can_predict_is_refused(
    ask: Ask, versions: None, body: Any, status: int, code: str
) -> None:
    answered, refused = ask("POST", body)
    assert (answered, refused["code"]) == (status, code)


def test_a_model_without_a_version_takes_no_batch(ask: Ask) -> None:
    status, refused = ask("POST", {})
    assert (status, refused["code"]) == (409, "ModelNotReady")
    assert ask("POST", {}, model="nonexistent")[0] == ask("GET", batch="0" * 16)[0] == 404


def sent(stack: dict[str, str], event: Callable[[str], Any], batch: Batch) -> Any:
    """What the machine is given of a batch's file."""
    body = b"age,plan\n1,a\n"
    stored = platform("s3").put_object(Bucket=stack["INGEST_BUCKET"], Key=batch.key, Body=body)
    sample = event("check_batch")
    found = {"key": batch.key, "version_id": stored["VersionId"], "etag": stored["ETag"].strip('"')}
    return sample | {"upload": sample["upload"] | found | {"bucket": stack["INGEST_BUCKET"], "size_bytes": len(body)}}


def test_a_file_that_nobody_asked_for_or_of_a_tenant_that_is_not_active_is_no_batch(
    tenant: Tenant, stack: dict[str, str], invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    batch = Batch("acme", "churn", "69298f0c3fa91b22")
    with pytest.raises(WrongUploadKey):
        invoke("check_batch", sent(stack, event, batch))
    uploads.add("acme", batch.batch, {"model": "other", "batch": batch.batch, "version": LIVE})
    with pytest.raises(WrongUploadKey):
        invoke("check_batch", sent(stack, event, batch))
    registry.set_tenant_status("acme", SUSPENDED, "for a test")
    with pytest.raises(UnknownTenant):
        invoke("check_batch", sent(stack, event, batch))
    assert registry.find_execution("acme", batch.execution) is None


def test_a_file_of_a_batch_starts_its_own_machine_once_and_no_training(
    tenant: Tenant, stack: dict[str, str], invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    created = json.dumps(event("start_execution"))
    record = json.loads(json.loads(created)["Records"][0]["body"])
    record["detail"]["object"] |= {"key": "acme/churn/batches/69298f0c3fa91b22.csv"}
    for version_id in ("first", "second"):
        record["detail"]["object"] |= {"version-id": version_id}
        message = json.loads(created)
        message["Records"][0]["body"] = json.dumps(record)
        assert invoke("start_execution", message) == {"batchItemFailures": []}
    steps = platform("stepfunctions")
    started = {
        name: [
            found["name"]
            for found in steps.list_executions(stateMachineArn=stack[f"{name}_STATE_MACHINE"])["executions"]
        ]
        for name in ("TRAINING", "BATCH")
    }
    assert started == {"TRAINING": [], "BATCH": ["acme-churn-batch-69298f0c3fa91b22"]}


def test_a_file_that_no_function_can_read_in_its_time_is_refused_before_it_is_read(
    tenant: Tenant,
    versions: None,
    stack: dict[str, str],
    invoke: Callable[[str, Any], Any],
    event: Callable[[str], Any],
) -> None:
    batch = Batch("acme", "churn", "69298f0c3fa91b22")
    uploads.add("acme", batch.batch, {"model": "churn", "batch": batch.batch, "version": LIVE})
    given = sent(stack, event, batch)
    given["upload"]["size_bytes"] = FILE_BYTES + 1
    with pytest.raises(UploadTooLarge, match="several batches"):
        invoke("check_batch", given)


@pytest.mark.parametrize(
    ("status", "waited", "error"),
    [
        ("Failed", 0, TransformFailed),
        ("Stopping", 0, TransformStopped),
        ("Stopped", 0, TransformStopped),
        ("Absent", 0, TransformStopped),
        ("InProgress", LONGEST_SECONDS, TransformTimedOut),
    ],
)
def test_a_job_that_will_not_complete_is_a_named_failure(status: str, waited: int, error: type[Exception]) -> None:
    assert is_over("Completed", "", LONGEST_SECONDS + 1)
    assert not is_over("InProgress", "", LONGEST_SECONDS - 1)
    with pytest.raises(error) as refused:
        is_over(status, "ClientError: it said cell-of-a-row", waited)
    assert "cell-of-a-row" not in str(refused.value)
