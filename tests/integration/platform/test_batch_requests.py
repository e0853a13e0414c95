"""Batches as the API takes and shows them, and what becomes of a file that nobody may send."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.domain.predictions.batch import FILE_BYTES, LONGEST_SECONDS, Batch, is_over
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.quotes import JobQuote
from tenantml.domain.tenancy.tenant import ACTIVE, OFFBOARDED, SUSPENDED, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import (
    ArtefactsGone,
    TenantMLError,
    TransformFailed,
    TransformStopped,
    TransformTimedOut,
    UnknownTenant,
    UploadTooLarge,
    WrongUploadKey,
)
from tenantml.services import outcomes, registry, retention, spending, tenant_scope, transforms
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.services.registry import keys, table, uploads
from tests.integration.platform.conftest import REGION, meanwhile
from tests.rows import put_training, put_version

LIVE, OTHER, PRUNED = "v20261122-170301-55c3", "v20261122-180301-66d4", "v20261121-180301-77e5"
TRAINED, OLD = "acme-churn-55c304f9941bab27", "acme-churn-0000000000000000"
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
def versions(tenant: Tenant, stack: dict[str, str]) -> None:
    """A live version, another one that is kept, and one whose artefacts are deleted."""
    known = {
        "profile": {"bucket": stack["STAGING_BUCKET"], "key": "k"},
        "plan": {"instance_type": "ml.m5.xlarge"},
        "output_keys": [],
        "endpoint": "e",
        "serverless": False,
    }
    for version, execution in ((LIVE, TRAINED), (OTHER, TRAINED), (PRUNED, OLD)):
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
        ({"size_bytes": FILE_BYTES + 1}, 413, "PayloadTooLarge"),
        ({"size_bytes": 0}, 400, "InvalidRequest"),
        ({"size_bytes": True}, 400, "InvalidRequest"),
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


WORST = "5.596667"  # a day and 20 minutes of one ml.m5.xlarge, at 0.23 USD an hour


def test_the_worst_case_is_told_before_the_file_comes_and_kept_in_the_batch(
    ask: Ask, versions: None, stack: dict[str, str], invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    made = ask("POST", {"size_bytes": FILE_BYTES})[1]
    assert made["form"]["max_bytes"] == FILE_BYTES
    quoted = made["quote"]
    assert (quoted["worst_case_usd"], quoted["instance_type"], quoted["seconds"]) == (WORST, "ml.m5.xlarge", 87_600)
    with pytest.raises(ArtefactsGone):  # it has no profile here
        invoke("check_batch", sent(stack, event, Batch("acme", "churn", made["batch"])))
    shown = ask("GET", batch=made["batch"])[1]
    assert (shown["quote"], shown["cost"]) == (quoted, None)
    assert spending.find_ledger("acme").committed_micros(datetime.now(UTC)) == 5_596_667


@pytest.mark.parametrize(
    ("model", "tenant_caps", "code", "said"),
    [
        ({"monthly_budget_usd": 0}, {}, "BudgetExceeded", "the model churn"),
        ({"monthly_budget_usd": 5}, {}, "BudgetExceeded", "the model churn"),
        ({}, {"monthly_budget_usd": 0}, "BudgetExceeded", "the tenant"),
        ({"max_concurrent_batches": 1}, {}, "TooManyBatches", "1 batches at once"),
    ],
)
def test_what_exceeds_a_cap_is_refused_when_it_is_asked_for_and_when_its_file_comes(
    ask: Ask,
    versions: None,
    stack: dict[str, str],
    invoke: Callable[[str, Any], Any],
    event: Callable[[str], Any],
    model: dict[str, int],
    tenant_caps: dict[str, int],
    code: str,
    said: str,
) -> None:
    made = ask("POST", {})[1]
    registry.put_model("acme", "churn", ModelSettings.from_document({"target": "Churn?"} | model))
    invoke("limit_tenant", {"tenant": "acme"} | tenant_caps)
    if code == "TooManyBatches":
        spending.admit_batch(Run("other", "acme", "churn", LIVE), ModelSettings("y"), JobQuote("t", 1, 60, "", None))
    status, refused = ask("POST", {})
    assert (status, refused["code"]) == (409, code)
    assert said in refused["detail"]
    batch = Batch("acme", "churn", made["batch"])
    given = sent(stack, event, batch)
    with pytest.raises(TenantMLError, match=said) as caught:
        invoke("check_batch", given)
    assert type(caught.value).__name__ == code
    assert batch.execution not in spending.find_ledger("acme").places
    ended = outcomes.record_batch(Upload(**given["upload"]), {"Error": code, "Cause": str(caught.value)}, [])
    assert (ended["status"], ended["error"]["code"]) == ("failed", code)


def test_a_batch_whose_price_is_unknown_says_so_and_fits_into_no_budget(ask: Ask, versions: None) -> None:
    registry.update_version("acme", "churn", LIVE, {"plan": {"instance_type": "ml.g5.xlarge"}})
    quoted = ask("POST", {})[1]["quote"]
    assert (quoted["worst_case_usd"], "ml.g5.xlarge" in quoted["reason"]) == (None, True)
    registry.put_model("acme", "churn", ModelSettings("Churn?", monthly_budget_usd=10**6))
    status, refused = ask("POST", {})
    assert (status, refused["code"], "unknown" in refused["detail"]) == (409, "BudgetExceeded", True)


def test_a_batch_of_a_paused_model_is_by_the_version_that_answered_and_resumes_nothing(
    ask: Ask, versions: None
) -> None:
    registry.pause("acme", "churn", "k")
    assert ask("POST", {})[1]["version"] == LIVE
    assert registry.get_model("acme", "churn").get("live_version") is None


def test_a_model_or_tenant_that_is_off_boarded_takes_no_batch(ask: Ask, versions: None) -> None:
    registry.set_tenant_status("acme", OFFBOARDED, "it leaves")
    status, refused = ask("POST", {})
    assert (status, refused["code"]) == (403, "TenantSuspended")
    registry.set_tenant_status("acme", ACTIVE, "")
    registry.remove_model("acme", "churn")
    assert ask("POST", {})[0] == 404


def test_a_batch_that_ends_without_a_measured_job_counts_at_its_worst_case_and_without_a_job_nothing(
    versions: None,
) -> None:
    price = pricing.find(pricing.table(), REGION, "ml.m5.xlarge", pricing.TRANSFORM)
    quote = JobQuote("ml.m5.xlarge", 1, 3600, "", price)
    for name, progress in (("69298f0c3fa91b22", {"transform": {"job_name": "j"}}), ("69298f0c3fa91b23", {})):
        batch = Batch("acme", "churn", name)
        run = Run(batch.execution, "acme", "churn", LIVE)
        upload = Upload("b", batch.key, "v", "e", 1, "0", "2026-11-22T17:03:01Z")
        registry.begin_batch(run, {"batch": name, "upload": upload.as_input()} | progress)
        spending.admit_batch(run, ModelSettings("y"), quote)
        for _ in range(2):
            outcomes.record_batch(upload, {"Error": "ExecutionStopped", "Cause": "stopped"}, [])
    ledger = spending.find_ledger("acme")
    (spent,) = ledger.months.values()
    assert (spent["churn"]["batch_micros"], spent["churn"]["unmeasured"], ledger.places) == (230_000, 1, {})


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


def test_a_batch_whose_file_comes_while_its_tenant_is_suspended_does_not_await_it_for_ever(
    ask: Ask,
    versions: None,
    stack: dict[str, str],
    invoke: Callable[[str, Any], Any],
    event: Callable[[str], Any],
    published: list[dict[str, Any]],
) -> None:
    batch = Batch("acme", "churn", ask("POST", {})[1]["batch"])
    given = sent(stack, event, batch)
    registry.set_tenant_status("acme", SUSPENDED, "for a test")
    with pytest.raises(UnknownTenant) as refused:
        invoke("check_batch", given)
    for _ in range(2):
        outcomes.record_batch(Upload(**given["upload"]), {"Error": "UnknownTenant", "Cause": str(refused.value)}, [])
    assert [(told["kind"], told["batch"], told["error"]["code"]) for told in published] == [
        ("Batch Ended", batch.batch, "UnknownTenant")
    ]
    registry.set_tenant_status("acme", ACTIVE, "")
    shown = ask("GET", batch=batch.batch)[1]
    assert (shown["status"], shown["error"]["code"], shown["state"]) == ("failed", "UnknownTenant", None)


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
    with pytest.raises(UploadTooLarge, match=r"in 2 or more batches, each with the header"):
        invoke("check_batch", given)


def test_the_execution_of_a_batch_is_shown_with_its_batch(
    invoke: Callable[[str, Any], Any], ask: Ask, versions: None
) -> None:
    batch = Batch("acme", "churn", "69298f0c3fa91b22")
    document = {"batch": batch.batch, "upload": {"key": batch.key}, "cost": {"seconds": 60, "usd": "0.003834"}}
    registry.begin_batch(Run(batch.execution, "acme", "churn", LIVE), document)
    assert ask("GET", batch=batch.batch)[1]["execution"] == batch.execution
    answer = invoke(
        "tenant_api",
        {
            "httpMethod": "GET",
            "resource": "/executions/{execution}",
            "pathParameters": {"execution": batch.execution},
            "requestContext": {"authorizer": {"tenant": "acme"}},
        },
    )
    assert answer["statusCode"] == 404
    assert f"GET /models/churn/batches/{batch.batch}" in json.loads(answer["body"])["detail"]


@pytest.fixture
def old_model(versions: None, tenant: Tenant, customer_s3: Any) -> Callable[[], list[str]]:
    """Artefacts of a training that no kept version needs; return a function that says which of them are left."""
    run = Run(OLD, "acme", "churn", PRUNED)
    put_training(run, "2026-11-21T17:10:00Z")
    registry.update_version("acme", "churn", PRUNED, {"status": "retired", "ended_at": "2026-11-21T18:00:00Z"})
    where = {"Bucket": tenant.account.bucket, "Key": f"{run.customer_folder}output/model.tar.gz"}
    customer_s3.put_object(**where, Body=b"x")

    def left() -> list[str]:
        return [row["Key"] for row in customer_s3.list_objects_v2(Bucket=where["Bucket"]).get("Contents", [])]

    assert left() == [where["Key"]]
    return left


def prune() -> list[str]:
    return retention.prune(Run(TRAINED, "acme", "churn", LIVE), 1)


def begun(stack: dict[str, str], event: Callable[[str], Any]) -> Callable[[], Run]:
    """Have a batch asked for by the old version; return what begins it when its file comes."""
    batch = Batch("acme", "churn", "69298f0c3fa91b22")
    uploads.add("acme", batch.batch, {"model": "churn", "batch": batch.batch, "version": PRUNED})
    given = Upload(**sent(stack, event, batch)["upload"])
    return lambda: transforms.begin(given, "CheckBatch")


def test_a_training_is_not_deleted_under_a_batch_and_is_when_that_has_ended(
    old_model: Callable[[], list[str]],
    stack: dict[str, str],
    event: Callable[[str], Any],
    invoke: Callable[[str, Any], Any],
) -> None:
    begin = begun(stack, event)
    interrupted = meanwhile("TRAINING#", begin)  # the prune has decided what goes, and did not note it yet
    assert prune() == [OLD]
    (run,) = interrupted
    assert old_model(), "the batch looked before that was noted, so the removal looks after it"
    assert invoke("sweep_tenant", event("sweep_tenant"))["trainings"] == []
    assert old_model()
    registry.end_batch("acme", run.execution, {"status": "succeeded", "error": None})
    assert invoke("sweep_tenant", event("sweep_tenant"))["trainings"] == [OLD]
    assert old_model() == []


def test_a_batch_whose_training_is_deleted_before_it_is_visible_ends_by_name(
    old_model: Callable[[], list[str]], stack: dict[str, str], event: Callable[[str], Any]
) -> None:
    begin = begun(stack, event)
    interrupted = meanwhile("EXECUTION#", prune)
    with pytest.raises(ArtefactsGone, match="name another version"):
        begin()
    assert (interrupted, old_model()) == ([[OLD]], [])
    assert registry.running_batches("acme", "churn"), "it is visible, and its failure path ends it"


def test_a_batch_of_a_version_that_was_removed_meanwhile_ends_by_name(
    old_model: Callable[[], list[str]], stack: dict[str, str], event: Callable[[str], Any]
) -> None:
    begin = begun(stack, event)
    table.delete(keys.version("acme", "churn", PRUNED))
    with pytest.raises(ArtefactsGone):
        begin()
    assert prune() == [OLD], "what no row says is not predicted by"
    assert old_model() == []


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
