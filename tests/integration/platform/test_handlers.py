"""Functions, fed with their sample events, on the SaaS account's tables and buckets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.deployment import explain_version
from tenantml.aws.clients import platform
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import ACTIVE, REGISTERED, SUSPENDED, Tenant
from tenantml.domain.training import execution_outcome
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import (
    ArtefactsGone,
    CustomerAccessRevoked,
    CustomerThrottled,
    InvalidOperation,
    InvalidRegistration,
    NotFound,
    OnboardingNotPublished,
    TenantMLError,
    Unauthorized,
)
from tenantml.services import api_keys, deployments, outcomes, registry, removal, rescue, retention
from tenantml.services.customer import assume
from tests.integration.platform.conftest import meanwhile
from tests.rows import order_of, put_training, put_version
from tools.deployment import publish

Invoke = Callable[[str, Any], Any]
Sample = Callable[[str], Any]

# an upload becomes an execution


def test_an_upload_starts_one_execution_however_often_it_is_reported(
    stack: dict[str, str], invoke: Invoke, event: Sample, upload: Upload
) -> None:
    for _ in range(2):
        assert invoke("start_execution", event("start_execution")) == {"batchItemFailures": []}
    (found,) = platform("stepfunctions").list_executions(stateMachineArn=stack["TRAINING_STATE_MACHINE"])["executions"]
    assert found["name"] == upload.execution
    described = platform("stepfunctions").describe_execution(executionArn=found["executionArn"])
    assert Upload(**json.loads(described["input"])) == upload


@pytest.mark.parametrize(
    ("key", "size_bytes", "executions"), [("acme/churn/", 0, 0), ("acme/churn/", 1, 1), ("acme/", 0, 0)]
)
def test_a_folder_that_a_console_makes_starts_no_execution(
    stack: dict[str, str], invoke: Invoke, event: Sample, key: str, size_bytes: int, executions: int
) -> None:
    (record,) = event("start_execution")["Records"]
    created = json.loads(record["body"])
    created["detail"]["object"] |= {"key": key, "size": size_bytes}
    assert invoke("start_execution", {"Records": [{**record, "body": json.dumps(created)}]}) == {
        "batchItemFailures": []
    }
    started = platform("stepfunctions").list_executions(stateMachineArn=stack["TRAINING_STATE_MACHINE"])["executions"]
    assert len(started) == executions


def test_a_message_that_is_no_upload_is_given_back_and_the_others_are_not(
    stack: dict[str, str], invoke: Invoke, event: Sample
) -> None:
    (good,) = event("start_execution")["Records"]
    bad = {**good, "messageId": "bad", "body": "{}"}
    answer = invoke("start_execution", {"Records": [good, bad]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert platform("stepfunctions").list_executions(stateMachineArn=stack["TRAINING_STATE_MACHINE"])["executions"]


def test_an_accepted_upload_is_visible_at_once(tenant: Tenant, invoke: Invoke, event: Sample, run: Run) -> None:
    answer = invoke("accept_upload", event("accept_upload"))
    assert answer == {"run": run.as_document(), "delivery": "copy"}
    row = registry.require_execution("acme", run.execution)
    assert (row["status"], row["state"], row["version"]) == ("running", "AcceptUpload", run.version)
    assert invoke("accept_upload", event("accept_upload")) == answer, "a repeat says the same"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key": "acme/churn.csv"}, "WrongUploadKey"),
        ({"bucket": "not-the-ingest-bucket"}, "WrongUploadKey"),
        ({"key": "nobody/churn/a.csv"}, "UnknownTenant"),
        ({"key": "acme/unknown/a.csv"}, "UnknownModel"),
        ({"size_bytes": 1_000_001}, "UploadTooLarge"),
    ],
)
def test_an_upload_that_cannot_be_trained_from_is_refused_by_name(
    tenant: Tenant, invoke: Invoke, event: Sample, changes: dict[str, Any], error: str
) -> None:
    sample = event("accept_upload")
    with pytest.raises(TenantMLError) as caught:
        invoke("accept_upload", {**sample, "upload": sample["upload"] | changes})
    assert type(caught.value).__name__ == error


def test_a_suspended_tenants_upload_is_refused_as_an_unknown_tenants(
    tenant: Tenant, invoke: Invoke, event: Sample
) -> None:
    registry.set_tenant_status("acme", SUSPENDED, "asked for")
    with pytest.raises(TenantMLError) as caught:
        invoke("accept_upload", event("accept_upload"))
    assert type(caught.value).__name__ == "UnknownTenant"


def test_an_upload_that_a_newer_one_overtook_is_superseded(tenant: Tenant, invoke: Invoke, event: Sample) -> None:
    registry.note_newest_upload("acme", "churn", "2026-11-22T18:00:00Z 01")
    with pytest.raises(TenantMLError) as caught:
        invoke("accept_upload", event("accept_upload"))
    assert type(caught.value).__name__ == "UploadSuperseded"


def test_an_upload_whose_model_is_removed_meanwhile_makes_no_model(
    tenant: Tenant, invoke: Invoke, event: Sample
) -> None:
    meanwhile("MODEL#", lambda: registry.remove_model("acme", "churn"))
    with pytest.raises(TenantMLError) as caught:
        invoke("accept_upload", event("accept_upload"))
    assert type(caught.value).__name__ == "UnknownModel"
    assert registry.find_model("acme", "churn") is None


# how it ends


def test_a_failure_is_recorded_and_published_once_however_often_the_state_runs(
    tenant: Tenant, invoke: Invoke, event: Sample, run: Run, published: list[dict[str, Any]]
) -> None:
    invoke("accept_upload", event("accept_upload"))
    for _ in range(2):
        answer = invoke("record_outcome", event("record_outcome"))
    assert answer["error"]["code"] == "TooFewRows"
    assert "499 rows" in answer["error"]["message"]
    (detail,) = published
    assert (detail["execution"], detail["tenant"], detail["status"]) == (run.execution, "acme", "failed")
    assert not detail["concerns_operators"]


def test_a_failure_that_the_tenant_cannot_mend_calls_operators(
    tenant: Tenant, upload: Upload, published: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes.record(upload, {"Error": "QuotaExceeded", "Cause": "no instance is left"}, [])
    (detail,) = published
    assert detail["concerns_operators"]
    assert '"ExecutionsFailed":[1.0]' in capsys.readouterr().out


def test_whoever_ends_an_execution_first_decides_how_it_ended(
    tenant: Tenant, invoke: Invoke, event: Sample, upload: Upload
) -> None:
    invoke("accept_upload", event("accept_upload"))
    outcomes.record(upload, {"Error": "ExecutionStopped", "Cause": "an operator"}, [])
    answer = invoke("record_outcome", event("record_outcome") | {"failure": None})
    assert (answer["status"], answer["error"]["code"]) == ("failed", "ExecutionStopped")


def test_an_upload_of_nobody_has_an_outcome_too(stack: dict[str, str], invoke: Invoke, event: Sample) -> None:
    sample = event("record_outcome")
    stray = sample | {"upload": sample["upload"] | {"key": "stray.csv"}}
    answer = invoke("record_outcome", stray | {"failure": {"Error": "WrongUploadKey", "Cause": "the key"}})
    assert (answer["tenant"], answer["error"]["code"]) == (registry.NOBODY, "WrongUploadKey")


@pytest.mark.parametrize("code", ["CustomerAccessRevoked", "DeliveryDenied"])
def test_an_account_that_refuses_one_execution_goes_on_until_it_is_probed(
    tenant: Tenant, invoke: Invoke, event: Sample, upload: Upload, published: list[dict[str, Any]], code: str
) -> None:
    invoke("accept_upload", event("accept_upload"))
    registry.note_probe("acme")
    assert invoke("describe_tenants", {})["tenants"][0]["probed_at"] == registry.probed_at("acme") != ""
    outcomes.record(upload, {"Error": code, "Cause": "the role is gone"}, [])
    found = registry.get_tenant("acme")
    assert (found.status, found.reason) == (ACTIVE, "")
    assert [detail["status"] for detail in published] == ["failed"]


def test_what_could_not_be_published_is_published_by_the_next_attempt(
    tenant: Tenant, invoke: Invoke, event: Sample, upload: Upload, published: list[dict[str, Any]]
) -> None:
    invoke("accept_upload", event("accept_upload"))

    def not_taken(parsed: dict[str, Any], **_: Any) -> None:
        parsed.update(FailedEntryCount=1, Entries=[{"ErrorCode": "InternalFailure", "ErrorMessage": "later"}])

    platform("events").meta.events.register("after-call.events.PutEvents", not_taken)
    try:
        with pytest.raises(ClientError, match="later"):
            outcomes.record(upload, None, [])
    finally:
        platform("events").meta.events.unregister("after-call.events.PutEvents", not_taken)
    for _ in range(2):
        outcomes.record(upload, None, [])
    assert [detail["status"] for detail in published] == ["succeeded"] * 2, "refused, then taken, then not again"


# after the version is live, nothing takes it away


@pytest.fixture
def live(tenant: Tenant, invoke: Invoke, event: Sample, run: Run, stack: dict[str, str], customer_s3: Any) -> Run:
    """A run whose version answers: its profile is staged, its artefacts and its dataset copy are the customer's."""
    invoke("accept_upload", event("accept_upload"))
    registry.keep_training(run, {"bucket": "staging", "key": "candidates.json"})
    registry.request_version(
        run, {"status": "deploying", "order": order_of(run.version), "candidate": "WeightedEnsemble-L3-FULL-t1"}
    )
    for name in ("train.csv", "holdout.csv", "profile.json"):
        platform("s3").put_object(Bucket=stack["STAGING_BUCKET"], Key=f"{run.staging_folder}{name}", Body=b"x")
    for name in ("input/train.csv", "output/model.tar.gz"):
        customer_s3.put_object(Bucket=tenant.account.bucket, Key=f"{run.customer_folder}{name}", Body=b"x")
    promoted = {"previous": None, "bake_minutes": 10, "batches_only": False}
    assert invoke("promote_version", event("promote_version")) == promoted
    return run


def keys(client: Any, bucket: str) -> list[str]:
    return [row["Key"].rsplit("/", 1)[1] for row in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_cleaning_up_after_success_keeps_what_the_version_needs(
    live: Run, invoke: Invoke, event: Sample, stack: dict[str, str], customer_s3: Any, tenant: Tenant
) -> None:
    answer = invoke("clean_up", event("clean_up"))
    assert answer == {"removed": 2, "left_behind": []}
    assert keys(platform("s3"), stack["STAGING_BUCKET"]) == ["holdout.csv", "profile.json"]
    assert keys(customer_s3, tenant.account.bucket) == ["model.tar.gz"]
    assert invoke("clean_up", event("clean_up"))["removed"] == 0


def stopped(run: Run) -> dict[str, Any]:
    """The event of a deployment that was stopped."""
    started = {"run": run.as_document(), "candidate": "c", "left_behind": []}
    return {"detail": {"name": run.deployment, "status": "ABORTED", "input": json.dumps(started)}}


def test_a_deployment_that_is_stopped_after_its_promotion_loses_nothing_and_has_succeeded(
    live: Run, invoke: Invoke, event: Sample, stack: dict[str, str], customer_s3: Any, tenant: Tenant
) -> None:
    invoke("clean_up", event("clean_up"))
    assert invoke("rescue_execution", stopped(live))["status"] == "succeeded"
    assert keys(platform("s3"), stack["STAGING_BUCKET"]) == ["holdout.csv", "profile.json"]
    assert keys(customer_s3, tenant.account.bucket) == ["model.tar.gz"]
    assert registry.is_live("acme", "churn", live.version)


@pytest.fixture
def requested(tenant: Tenant, invoke: Invoke, event: Sample, run: Run) -> Run:
    """A run whose training is kept, and whose version was asked for; its deployment is not started."""
    invoke("accept_upload", event("accept_upload"))
    registry.keep_training(run, {"bucket": "staging", "key": "candidates.json"})
    registry.request_version(run, {"order": order_of(run.version), "candidate": "best", "endpoint": "e"})
    return run


@pytest.mark.parametrize("ending", ["rescue_execution", "record_outcome"], ids=["stopped", "failed"])
def test_a_training_that_ends_before_its_deployment_starts_is_told_once_and_its_version_never_goes_live(
    requested: Run, invoke: Invoke, event: Sample, tenant: Tenant, published: list[dict[str, Any]], ending: str
) -> None:
    for _ in range(2):
        assert invoke(ending, event(ending))["status"] == "failed"
    assert [(detail["version"], detail["status"]) for detail in published] == [(requested.version, "failed")]
    deployments.start(requested, tenant.account, "best")  # by the call that was on its way
    with pytest.raises(NotFound, match="has ended"):
        registry.promote("acme", "churn", requested.version)
    row = registry.require_execution("acme", requested.execution)
    assert invoke("rescue_execution", stopped(requested))["error"] == row["error"], "and it says nothing else"
    assert len(published) == 1


@pytest.mark.parametrize("ending", ["rescue_execution", "record_outcome"], ids=["stopped", "failed"])
def test_a_training_that_ends_after_its_deployment_started_leaves_the_word_to_it(
    requested: Run, invoke: Invoke, event: Sample, tenant: Tenant, published: list[dict[str, Any]], ending: str
) -> None:
    deployments.start(requested, tenant.account, "best")
    left = invoke(ending, event(ending))
    assert (left["status"], bool(left["error"])) == ("running", True), "its own execution shows why it failed"
    assert published == []
    registry.promote("acme", "churn", requested.version)
    recorded = event("record_deployment") | {"run": requested.as_document(), "failure": None}
    assert invoke("record_deployment", recorded)["status"] == "succeeded"
    assert [detail["status"] for detail in published] == ["succeeded"]


def test_cleaning_up_after_a_training_that_came_to_nothing_leaves_nothing(
    live: Run, stack: dict[str, str], customer_s3: Any, tenant: Tenant
) -> None:
    registry.forget_training("acme", "churn", live.execution)
    removal.clean_up(live, failed=True, delivered=True)
    assert keys(platform("s3"), stack["STAGING_BUCKET"]) == keys(customer_s3, tenant.account.bucket) == []


def test_nothing_is_called_in_the_customers_account_when_nothing_was_delivered(
    live: Run, answer_with: Callable[..., None], stack: dict[str, str]
) -> None:
    answer_with("sts", "AssumeRole", 500, "NobodyMayAsk")
    registry.forget_training("acme", "churn", live.execution)
    removal.clean_up(live, failed=True, delivered=False)
    assert keys(platform("s3"), stack["STAGING_BUCKET"]) == []


def test_what_the_customers_account_keeps_from_us_is_named(
    live: Run, answer_with: Callable[..., None], tenant: Tenant
) -> None:
    answer_with("sts", "AssumeRole", 403, "AccessDenied")
    registry.forget_training("acme", "churn", live.execution)
    put_version("acme", "churn", "v99990101-000000-ffff", {})
    registry.promote("acme", "churn", "v99990101-000000-ffff")
    assert removal.clean_up(live, failed=True, delivered=True).left_behind == [
        f"arn:aws:s3:::{tenant.account.bucket}/{live.customer_folder}*"
    ]
    assert removal.roll_back(live).left_behind == [
        tenant.account.sagemaker_arn(kind, tenant.account.endpoint(live.model, live.version))
        for kind in ("endpoint", "endpoint-config", "model")
    ]


def test_what_the_customers_account_kept_from_us_is_deleted_by_the_sweep_when_it_lets_us(
    live: Run, answer_with: Callable[..., None], invoke: Invoke, event: Sample, customer_s3: Any, tenant: Tenant
) -> None:
    bucket, swept = tenant.account.bucket, lambda: invoke("sweep_tenant", event("sweep_tenant"))["copies"]
    customer_s3.put_object(Bucket=bucket, Key=f"{live.customer_folder}input/copy.csv", Body=b"a\n")
    assert swept() == []
    answer_with("sts", "AssumeRole", 403, "AccessDenied", times=3)  # the clean-up, orphans, the sweep of copies
    assert removal.clean_up(live, failed=False, delivered=True).left_behind
    assert swept() == [], "the account still refuses"
    before = set(keys(customer_s3, bucket))
    assert swept() == [f"{live.customer_folder}input/"]
    assert before - set(keys(customer_s3, bucket)) == {"copy.csv", "train.csv"}, "what was trained stays"
    assert swept() == [], "and once"


def test_our_own_bucket_refusing_us_is_no_fault_of_the_customers(live: Run, answer_with: Callable[..., None]) -> None:
    answer_with("s3", "ListObjectVersions", 403, "AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        removal.clean_up(live, failed=True, delivered=True)


@pytest.mark.parametrize("key", ["globex/churn/{}/train.csv", "acme/other/{}/train.csv", "acme/churn/{}/holdout.csv"])
def test_a_training_set_that_is_not_the_runs_is_not_delivered(
    tenant: Tenant, invoke: Invoke, event: Sample, customer_s3: Any, key: str
) -> None:
    sample = event("deliver_dataset")
    train = sample["train"] | {"key": key.format(sample["run"]["execution"])}
    with pytest.raises(ValueError, match="not this run's"):
        invoke("deliver_dataset", sample | {"train": train})
    assert keys(customer_s3, tenant.account.bucket) == []


@pytest.mark.parametrize(
    "asked", [None, {"candidate": "another"}, {"execution": "acme-churn-0123456789abcdef"}], ids=str
)
def test_a_deployment_that_nobody_asked_for_makes_nothing(
    tenant: Tenant,
    run: Run,
    invoke: Invoke,
    event: Sample,
    answer_with: Callable[..., None],
    asked: dict[str, str] | None,
) -> None:
    invoke("accept_upload", event("accept_upload"))
    forged = event("deploy_candidate")
    if asked is not None:
        requested = {"execution": run.execution, "candidate": forged["candidate"], "status": "requested"} | asked
        put_version("acme", "churn", run.version, requested)
    answer_with("sts", "AssumeRole", 500, "NobodyMayAsk")
    with pytest.raises(ValueError, match="nobody asked for this candidate"):
        invoke("deploy_candidate", forged)


def stop(machine_arn: str, name: str) -> None:
    arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    platform("stepfunctions").stop_execution(executionArn=arn)


def test_the_sweep_ends_a_training_that_was_stopped_without_anybody_noticing(
    tenant: Tenant, run: Run, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    invoke("accept_upload", event("accept_upload"))
    invoke("start_execution", event("start_execution"))
    stop(stack["TRAINING_STATE_MACHINE"], run.execution)
    assert invoke("rescue_lost", event("rescue_lost"))["executions"] == [run.execution]
    assert registry.require_execution("acme", run.execution)["announced"]
    assert invoke("rescue_lost", event("rescue_lost"))["executions"] == []


def test_the_sweep_ends_a_deployment_that_was_stopped_without_anybody_noticing(
    live: Run, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    deployments.start(live, registry.get_tenant(live.tenant).account, "WeightedEnsemble-L3-FULL-t1")
    stop(stack["DEPLOYMENT_STATE_MACHINE"], live.deployment)
    assert invoke("rescue_lost", event("rescue_lost"))["executions"] == [live.deployment]
    assert registry.require_execution("acme", live.execution)["announced"]
    assert invoke("rescue_lost", event("rescue_lost"))["executions"] == []


def test_every_way_to_end_without_a_word_has_a_cause_that_people_understand() -> None:
    for failure in rescue.CAUSES.values():
        assert failure["Cause"][0].islower()


def test_an_explanation_is_waited_for_some_minutes_and_no_longer(
    live: Run, invoke: Invoke, event: Sample, answer_with: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    answer_with("sts", "AssumeRole", 400, "ThrottlingException")
    asked = event("explain_version") | {"run": live.as_document()}
    with pytest.raises(CustomerThrottled):
        invoke("explain_version", asked | {"attempt": explain_version.ATTEMPTS - 1})
    found = invoke("explain_version", asked | {"attempt": explain_version.ATTEMPTS})
    assert (found["source"], found["feature_count"]) == (None, 0)
    importance = registry.get_version(live.tenant, live.model, live.version)["importance"]
    assert importance["source"] is None, "the state that evaluates asks the endpoint then"


def test_a_version_that_should_have_been_rolled_back_has_failed_although_it_answers(
    live: Run, invoke: Invoke, event: Sample
) -> None:
    assert registry.note_failing("acme", "churn", live.version, "it failed 50 of 100 calls")
    outcome = invoke("record_deployment", event("record_deployment") | {"run": live.as_document(), "failure": None})
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "NotRolledBack")
    assert outcome["error"]["message"] == "it failed 50 of 100 calls"
    assert execution_outcome.concerns_operators(outcome)
    assert registry.is_live("acme", "churn", live.version)
    assert not registry.note_failing("acme", "churn", "v20200101-000000-0000", "late"), "another one is live"


@pytest.mark.parametrize("chosen_again", [True, False])
@pytest.mark.parametrize("was_caught", [True, False])
def test_a_version_that_was_rolled_back_and_chosen_again_has_succeeded(
    live: Run, invoke: Invoke, event: Sample, chosen_again: bool, was_caught: bool
) -> None:
    newer = Run(live.execution, "acme", "churn", "v20991124-170301-bbbb")
    put_version("acme", "churn", newer.version, {"execution": live.execution})
    registry.promote("acme", "churn", newer.version)
    assert registry.fall_back("acme", "churn", newer.version, "it failed 50 of 100 calls")
    if chosen_again:
        assert registry.return_to("acme", "churn", newer.version, "0123456789ab")
    failure = {"Error": "RolledBack", "Cause": "it failed 50 of 100 calls"} if was_caught else None
    outcome = invoke("record_deployment", event("record_deployment") | {"run": newer.as_document(), "failure": failure})
    assert (outcome["status"], (outcome["error"] or {}).get("code")) == (
        ("succeeded", None) if chosen_again else ("failed", "RolledBack")
    )
    assert registry.is_live("acme", "churn", newer.version) == chosen_again


# trainings are kept, and pruned


def train_again(run: Run, at: str, stack: dict[str, str], customer_s3: Any, bucket: str) -> Run:
    """Let a later training of the same model come to candidates."""
    later = Run(f"{run.execution[:-16]}{hashlib.sha256(at.encode()).hexdigest()[:16]}", run.tenant, run.model, at)
    platform("s3").put_object(Bucket=stack["STAGING_BUCKET"], Key=f"{later.staging_folder}holdout.csv", Body=b"x")
    customer_s3.put_object(Bucket=bucket, Key=f"{later.customer_folder}output/model.tar.gz", Body=b"x")
    put_training(later, at)
    return later


def test_trainings_that_no_kept_version_needs_go_with_their_holdout(
    live: Run, invoke: Invoke, event: Sample, stack: dict[str, str], customer_s3: Any, tenant: Tenant
) -> None:
    first, second = (train_again(live, at, stack, customer_s3, tenant.account.bucket) for at in ("v1", "v2"))
    invoke("clean_up", event("clean_up"))
    assert {row["execution"] for row in registry.list_trainings("acme", "churn")} == {
        live.execution, second.execution,
    }, "the live version's and the last"  # fmt: skip
    left = [row["Key"] for row in customer_s3.list_objects_v2(Bucket=tenant.account.bucket)["Contents"]]
    assert not [key for key in left if first.execution in key]
    staged = [row["Key"] for row in platform("s3").list_objects_v2(Bucket=stack["STAGING_BUCKET"])["Contents"]]
    assert not [key for key in staged if first.execution in key]
    assert [key for key in staged if second.execution in key]


def test_what_a_refused_prune_left_is_deleted_by_the_sweep_and_nothing_that_is_kept(
    live: Run,
    invoke: Invoke,
    event: Sample,
    answer_with: Callable[..., None],
    stack: dict[str, str],
    customer_s3: Any,
    tenant: Tenant,
) -> None:
    first, second = (train_again(live, at, stack, customer_s3, tenant.account.bucket) for at in ("v1", "v2"))
    kept = [live.customer_folder + "output/model.tar.gz", second.customer_folder + "output/model.tar.gz"]
    customer_s3.put_object(Bucket=tenant.account.bucket, Key=kept[0], Body=b"x")
    answer_with("sts", "AssumeRole", 403, "AccessDenied", times=3)  # the prune, orphans, the sweep of trainings
    assert retention.prune(second, 1) == [first.execution]
    assert invoke("sweep_tenant", event("sweep_tenant"))["trainings"] == [], "the account still refuses"
    assert artefacts(customer_s3, tenant) == sorted([*kept, first.customer_folder + "output/model.tar.gz"])
    assert registry.find_training("acme", "churn", first.execution) is None, "nothing is deployed of it any more"
    registry.set_tenant_status("acme", SUSPENDED, "its role was deleted")
    assert invoke("sweep_tenant", event("sweep_tenant")) == {}
    registry.set_tenant_status("acme", ACTIVE)
    assert invoke("sweep_tenant", event("sweep_tenant"))["trainings"] == [first.execution]
    assert artefacts(customer_s3, tenant) == sorted(kept)
    staged = [row["Key"] for row in platform("s3").list_objects_v2(Bucket=stack["STAGING_BUCKET"])["Contents"]]
    assert not [key for key in staged if first.execution in key]
    assert f"{second.staging_folder}holdout.csv" in staged
    assert invoke("sweep_tenant", event("sweep_tenant"))["trainings"] == [], "and once"


def test_a_training_whose_execution_is_still_to_deploy_it_is_not_pruned(
    live: Run, stack: dict[str, str], customer_s3: Any, tenant: Tenant
) -> None:
    first, second = (train_again(live, at, stack, customer_s3, tenant.account.bucket) for at in ("v1", "v2"))
    registry.add_execution("acme", first.execution, {"upload": {"uploaded_at": "2026-11-22"}})
    assert retention.prune(second, 1) == []
    assert registry.find_training("acme", "churn", first.execution)


def test_a_training_that_somebody_deploys_while_it_is_to_be_pruned_is_kept(
    live: Run, stack: dict[str, str], customer_s3: Any, tenant: Tenant, invoke: Invoke, event: Sample
) -> None:
    first, second = (train_again(live, at, stack, customer_s3, tenant.account.bucket) for at in ("v1", "v2"))
    asked = Run(first.execution, "acme", "churn", "v20991124-170301-bbbb")
    started = meanwhile("TRAINING#", lambda: deployments.start(asked, tenant.account, "best"))
    assert retention.prune(second, 1) == []
    assert started == [asked.deployment]
    assert registry.find_training("acme", "churn", first.execution), "whoever asked looked before it was given up"
    assert invoke("sweep_tenant", event("sweep_tenant"))["trainings"] == []
    assert [key for key in artefacts(customer_s3, tenant) if first.execution in key]


def test_a_training_that_is_pruned_while_somebody_asks_to_deploy_it_is_not_deployed(
    live: Run, stack: dict[str, str], customer_s3: Any, tenant: Tenant
) -> None:
    first, second = (train_again(live, at, stack, customer_s3, tenant.account.bucket) for at in ("v1", "v2"))
    asked = Run(first.execution, "acme", "churn", "v20991124-170301-bbbb")
    pruned = meanwhile("VERSION#", lambda: retention.prune(second, 1))
    for _ in range(2):  # a repeat says the same
        with pytest.raises(ArtefactsGone, match="upload the file again"):
            deployments.start(asked, tenant.account, "best")
    assert pruned == [[first.execution]]
    row = registry.get_version("acme", "churn", asked.version)
    assert (row["error"]["code"], row["status"], "ended_at" in row) == ("ArtefactsGone", "rolled back", True)
    machine = stack["DEPLOYMENT_STATE_MACHINE"]
    assert platform("stepfunctions").list_executions(stateMachineArn=machine)["executions"] == []


def artefacts(customer_s3: Any, tenant: Tenant) -> list[str]:
    rows = customer_s3.list_objects_v2(Bucket=tenant.account.bucket)["Contents"]
    return sorted(row["Key"] for row in rows if row["Key"].endswith("model.tar.gz"))


# customers' accounts


def test_a_role_that_does_not_trust_us_any_more_is_named(tenant: Tenant, answer_with: Callable[..., None]) -> None:
    answer_with("sts", "AssumeRole", 403, "AccessDenied")
    with pytest.raises(CustomerAccessRevoked, match="apply the on-boarding template again"):
        assume(tenant, "e-1", session_policies.nothing())


def test_a_refusal_that_nobody_thought_of_stays_what_it_is(tenant: Tenant, answer_with: Callable[..., None]) -> None:
    answer_with("sts", "AssumeRole", 400, "RegionDisabledException")
    with pytest.raises(ClientError, match="RegionDisabledException"):
        assume(tenant, "e-1", session_policies.nothing())


def test_a_session_is_the_customers_and_never_ours(tenant: Tenant) -> None:
    session = assume(tenant, "acme-churn-0123456789abcdef", session_policies.nothing())
    assert session.client("sts").get_caller_identity()["Account"] == tenant.account_id
    assert platform("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_session_policy_that_sts_would_refuse_is_a_bug_of_ours(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="2048"):
        assume(tenant, "e-1", {"Version": "2012-10-17", "Statement": ["x" * 2048]})


# operators and keys


def test_a_registration_returns_what_to_apply(stack: dict[str, str], invoke: Invoke, event: Sample) -> None:
    sha256 = publish(platform("s3"), stack["ONBOARDING_BUCKET"])
    answer = invoke("register_tenant", event("register_tenant"))
    assert answer["onboarding"]["template_sha256"] == sha256
    bucket, key = stack["ONBOARDING_BUCKET"], f"customer_access-{sha256}.yaml"
    assert answer["onboarding"]["template_url"] == f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}"
    published = platform("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert hashlib.sha256(published).hexdigest() == sha256
    assert answer["onboarding"]["parameters"]["ExternalId"] == answer["external_id"]
    assert answer["onboarding"]["parameters"]["SaasAccountId"] == stack["PLATFORM_ACCOUNT"]
    assert registry.get_tenant("acme").status != ACTIVE


def test_nobody_is_registered_before_the_template_is_published(
    stack: dict[str, str], invoke: Invoke, event: Sample
) -> None:
    for row in platform("s3").list_objects_v2(Bucket=stack["ONBOARDING_BUCKET"])["Contents"]:
        platform("s3").delete_object(Bucket=stack["ONBOARDING_BUCKET"], Key=row["Key"])
    with pytest.raises(OnboardingNotPublished, match="make deploy"):
        invoke("register_tenant", event("register_tenant"))
    assert registry.find_tenant("acme") is None
    with pytest.raises(InvalidOperation):
        invoke("register_tenant", [])


def test_our_own_account_is_no_tenants(stack: dict[str, str], invoke: Invoke, event: Sample) -> None:
    with pytest.raises(InvalidRegistration, match="our own account"):
        invoke("register_tenant", event("register_tenant") | {"account_id": stack["PLATFORM_ACCOUNT"]})


def test_a_key_says_whose_it_is_and_nothing_of_it_is_stored(
    tenant: Tenant, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    key = api_keys.issue("acme")
    sample = event("authorize")
    answer = invoke("authorize", sample | {"headers": {"X-Api-Key": key}})
    assert (answer["principalId"], answer["context"]["tenant"]) == ("acme", "acme")
    assert answer["context"]["key_id"] in {row["key_id"] for row in api_keys.listed("acme")}
    (statement,) = answer["policyDocument"]["Statement"]
    assert re.fullmatch(r"arn:aws:execute-api:us-east-1:111111111111:gy415nuibc/v1/\*", statement["Resource"])
    assert key not in json.dumps(platform("dynamodb").scan(TableName=stack["REGISTRY_TABLE"])["Items"])


@pytest.mark.parametrize("headers", [None, {}, {"x-api-key": ""}, {"x-api-key": "tml_wrong"}, {"x-api-key": "é" * 500}])
def test_no_key_and_a_wrong_key_are_refused_alike(
    tenant: Tenant, invoke: Invoke, event: Sample, headers: dict[str, str] | None
) -> None:
    with pytest.raises(Unauthorized) as caught:
        invoke("authorize", event("authorize") | {"headers": headers})
    assert str(caught.value) == "Unauthorized"


def test_no_log_holds_a_key_or_an_external_id(
    tenant: Tenant, invoke: Invoke, event: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    registered = invoke("register_tenant", event("register_tenant") | {"tenant": "globex"})
    issued = invoke("issue_key", event("issue_key") | {"tenant": "acme"})["api_key"]
    secrets = [registered["external_id"], issued, key := api_keys.issue("acme")]
    assert invoke("authorize", event("authorize") | {"headers": {"x-api-key": key}})["principalId"] == "acme"
    for wrong in (key[:-1], f"{key}x", "tml_wrong"):
        with pytest.raises(Unauthorized):
            invoke("authorize", event("authorize") | {"headers": {"x-api-key": wrong}})
    printed = capsys.readouterr()
    assert [secret for secret in secrets if secret[:-1] in printed.out + printed.err] == []


def test_a_key_that_was_replaced_opens_until_its_end(tenant: Tenant, invoke: Invoke, event: Sample) -> None:
    old = api_keys.issue("acme")
    new = api_keys.rotate("acme", overlap_seconds=60)
    assert [api_keys.tenant_of(key) for key in (old, new)] == ["acme", "acme"]
    newest = api_keys.rotate("acme", overlap_seconds=0)
    assert [api_keys.tenant_of(key) for key in (old, new, newest)] == [None, None, "acme"]
    with pytest.raises(Unauthorized):
        invoke("authorize", event("authorize") | {"headers": {"x-api-key": old}})


def test_how_many_tenants_are_suspended_is_counted_for_the_dashboard(
    tenant: Tenant, invoke: Callable[[str, Any], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for status, count in ((SUSPENDED, "1.0"), (REGISTERED, "0.0")):
        registry.set_tenant_status(tenant.tenant, status, "an operator's word", held=True)
        assert invoke("dispatch_upkeep", {}) == {status: 1}
        assert f'"TenantsSuspended":[{count}]' in capsys.readouterr().out
