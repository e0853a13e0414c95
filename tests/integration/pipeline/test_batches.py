"""Whatever happens to a batch, it ends in a whole result or in a named failure, and nothing else of it is left."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.predictions.batch import Batch, new_batch
from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import StillChanging
from tenantml.services import offboarding, receipts, registry, rescue, spending, transforms
from tenantml.services.registry import table, uploads
from tests.integration.pipeline.faults import DyingInvoke, call, twice
from tests.integration.pipeline.machine import BATCH, Broken, Machine
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

Invoke = Callable[[str, Any], Any]
Row = dict[str, Any]
ROWS = [["p0", "5"], ["p1", "6"], ["p2", "7"]]
IN_ACCOUNT = ["DeliverBatch", "StartTransform", "CheckTransform", "JoinBatch"]


@pytest.fixture
def customer(new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]) -> Customer:
    """A tenant whose version is live, and whose endpoint is gone with its model: a batch needs neither."""
    found = new_customer()
    list(pipeline(found, call))
    name = found.tenant.account.endpoint(found.run.model, found.run.version)
    endpoints.remove(found.client("sagemaker"), name)
    return found


Sent = Callable[..., tuple[Upload, Iterator[str]]]


@pytest.fixture
def send(customer: Customer, machine_of: Callable[..., Machine]) -> Sent:
    """Upload a batch's file; return its upload and the states that it goes through."""

    def send(invoke: Invoke = call, rows: list[list[str]] = ROWS) -> tuple[Upload, Iterator[str]]:
        run, batch = customer.run, Batch(customer.run.tenant, customer.run.model, new_batch())
        asked = {"model": run.model, "batch": batch.batch, "version": run.version, "key": batch.key}
        uploads.add(run.tenant, batch.batch, asked)
        body = "".join(",".join(row) + "\n" for row in [["plan", "age"], *rows]).encode()
        put = platform("s3").put_object(Bucket=customer.upload.bucket, Key=batch.key, Body=body)
        etag, at = put["ETag"].strip('"'), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        upload = Upload(customer.upload.bucket, batch.key, put["VersionId"], etag, len(body), "0", at)
        return upload, machine_of(customer, invoke, BATCH).execute(upload.as_input())

    return send


def row_of(upload: Upload) -> Row:
    batch = Batch.of_key(upload.key)
    assert batch
    return registry.find_execution(batch.tenant, batch.execution) or {}


def left_of(customer: Customer, upload: Upload) -> list[str]:
    """What is left of a batch in the customer's account: names of files, of models, and of jobs that run."""
    account, execution = customer.tenant.account, row_of(upload)["execution"]
    folder = account.folder(customer.run.model, execution)
    found = customer.client("s3").list_objects_v2(Bucket=account.bucket, Prefix=folder).get("Contents", [])
    sagemaker = customer.client("sagemaker")
    running = sagemaker.list_transform_jobs(StatusEquals="InProgress")["TransformJobSummaries"]
    return [
        *(row["Key"].removeprefix(folder) for row in found),
        *endpoints.names(sagemaker, "model", account.prefix),
        *(row["TransformJobName"] for row in running),
    ]


def result_of(customer: Customer, upload: Upload) -> list[list[str]]:
    account = customer.tenant.account
    key = f"{account.folder(customer.run.model, row_of(upload)['execution'])}predictions.csv"
    text = customer.client("s3").get_object(Bucket=account.bucket, Key=key)["Body"].read().decode()
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def assert_it_succeeded(customer: Customer, upload: Upload, boundary: Boundary) -> None:
    row = row_of(upload)
    assert (row["status"], row["error"], row["left_behind"], row["row_count"]) == ("succeeded", None, [], len(ROWS))
    name = customer.tenant.account.job(row["execution"])
    job = customer.client("sagemaker").describe_transform_job(TransformJobName=name)
    billed = math.ceil((job["TransformEndTime"] - job["TransformStartTime"]).total_seconds())
    assert row["cost"]["seconds"] == billed
    assert 0 < float(row["cost"]["usd"]) < float(row["quote"]["worst_case_usd"])
    assert row["execution"] not in spending.find_ledger(customer.tenant.tenant).places
    header, *rows = result_of(customer, upload)
    assert header[:5] == ["row_number", "plan", "age", "predicted_label", "probability"]
    assert [found[:3] for found in rows] == [[str(number), *sent] for number, sent in enumerate(ROWS, 1)]
    assert {found[3] for found in rows} == {"True.", "False."}
    assert left_of(customer, upload) == ["predictions.csv"]
    jobs = customer.client("sagemaker").list_transform_jobs()["TransformJobSummaries"]
    names = [job["TransformJobName"] for job in jobs]
    assert names.count(customer.tenant.account.job(row["execution"])) == 1
    published = {json.dumps(found) for found in boundary.published if found.get("execution") == row["execution"]}
    assert [json.loads(found)["status"] for found in published] == ["succeeded"]
    receipt = receipts.read(customer.tenant.tenant, row["execution"])
    assert receipt
    assert receipt["faults"] == []


def assert_it_failed(customer: Customer, upload: Upload, code: str) -> None:
    row = row_of(upload)
    assert (row["status"], row["error"]["code"], row["left_behind"]) == ("failed", code, [])
    assert left_of(customer, upload) == []


def test_a_process_may_die_at_any_call_and_any_state_run_twice(
    customer: Customer, send: Sent, boundary: Boundary
) -> None:
    invoke = DyingInvoke(boundary)
    upload, states = send(invoke)
    assert list(states)[-1] == "Predicted"
    assert_it_succeeded(customer, upload, boundary)
    assert set(invoke.deaths) >= {"CheckBatch", "CleanUpBatch", "RecordBatch", *IN_ACCOUNT}
    again, states = send(twice)
    assert list(states)[-1] == "Predicted"
    assert_it_succeeded(customer, again, boundary)


@pytest.mark.explore
def test_the_reply_to_any_call_may_be_lost(customer: Customer, send: Sent, boundary: Boundary) -> None:
    boundary.loses_replies = True
    upload, states = send()
    list(states)
    boundary.loses_replies = False
    assert_it_succeeded(customer, upload, boundary)


def test_wherever_a_batch_fails_nothing_of_it_is_left_and_its_message_shows_no_cell(
    customer: Customer, send: Sent
) -> None:
    for failing in IN_ACCOUNT:

        def invoke(function: str, payload: Any, failing: str = failing) -> Any:
            answer = call(function, payload)
            if payload["state"] == failing:
                raise Broken(failing)
            return answer

        upload, states = send(invoke)
        assert list(states)[-3:] == ["CleanUpAfterFailure", "RecordFailure", "Failed"]
        assert_it_failed(customer, upload, "InternalFailure")

    upload, states = send()
    for state in states:
        if state == "DeliverBatch":  # the model is to fail on what it is sent
            account = customer.tenant.account
            folder = account.folder(customer.run.model, row_of(upload)["execution"])
            put = customer.client("s3").put_object
            put(Bucket=account.bucket, Key=f"{folder}input/000001.csv", Body=b"bad")
    assert_it_failed(customer, upload, "TransformFailed")
    assert "bad" not in row_of(upload)["error"]["message"]


def test_a_batch_that_is_stopped_is_rescued_and_off_boarding_ends_one_that_runs(customer: Customer, send: Sent) -> None:
    upload, states = send()
    assert "StartTransform" in iter(states)
    until_done(lambda: rescue.rescue_batch(upload, "ABORTED"))
    assert_it_failed(customer, upload, "ExecutionStopped")

    upload, states = send()
    assert "StartTransform" in iter(states)
    wanted = Offboarding(customer.tenant.tenant, customer.run.model)
    until_done(lambda: offboarding.stop_executions(wanted))
    assert_it_failed(customer, upload, "ExecutionStopped")


def test_a_result_goes_when_its_days_are_over_and_not_before(
    customer: Customer, send: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, states = send()
    list(states)
    transforms.remove_expired(customer.tenant)
    assert left_of(customer, upload) == ["predictions.csv"]
    assert transforms.download(customer.tenant, row_of(upload))
    expires_at = row_of(upload)["result"]["expires_at"]
    monkeypatch.setattr(table, "now", lambda: expires_at)
    assert transforms.remove_expired(customer.tenant) >= 1
    assert left_of(customer, upload) == []
    assert registry.expired_results(customer.tenant.tenant) == []


def until_done(act: Callable[[], object]) -> None:
    """Repeat as a machine does, while something is still changing."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            act()
        except StillChanging:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
