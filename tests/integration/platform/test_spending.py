"""What the customer's account spends: quoted before, capped before, counted after."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.domain.pricing.caps import Caps
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.deployment_request import DeploymentRequest
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import BudgetExceeded, TooManyTrainings, TrainingsPerDayExceeded, UploadError
from tenantml.services import deployments, outcomes, registry, spending, tenant_scope
from tests.integration.platform.conftest import REGION
from tests.rows import put_training

Invoke = Callable[[str, Any], Any]
Sample = Callable[[str], Any]
Get = Callable[..., dict[str, Any]]


@pytest.fixture
def get(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Get:
    """GET a resource with a key of the tenant's."""
    monkeypatch.setattr(tenant_scope, "_scoped_client", platform)

    def get(resource: str, **path: str) -> dict[str, Any]:
        answer = invoke(
            "tenant_api",
            {
                "httpMethod": "GET",
                "resource": resource,
                "pathParameters": path,
                "headers": {},
                "requestContext": {"authorizer": {"tenant": "acme", "key_id": "0123456789ab"}},
            },
        )
        assert answer["statusCode"] == 200, answer
        found: dict[str, Any] = json.loads(answer["body"])
        found.pop("request_id")
        return found

    return get


def of(execution: str, model: str = "churn") -> Run:
    return Run(execution, "acme", model, "v20261122-170301-9f3c")


def test_the_quote_is_there_before_the_upload_and_the_execution_keeps_it(
    tenant: Tenant, invoke: Invoke, event: Sample, run: Run, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = get("/models/{model}/quote", model="churn")
    assert before["training"]["worst_case_usd"] == "64.516667"
    invoke("accept_upload", event("accept_upload"))
    replaced = "us-east-1,ml.m5.12xlarge,training,1,2026-11-01,the operator's contract"
    monkeypatch.setenv("PRICES", replaced)
    after = get("/models/{model}/quote", model="churn")
    assert after["training"]["worst_case_usd"] == "23.333334"
    assert "the operator's contract" in after["prices"]["sources"]
    assert get("/executions/{execution}", execution=run.execution)["quote"] == before


@pytest.mark.parametrize(
    ("caps", "error"),
    [
        ({"trainings_per_day": 0}, TrainingsPerDayExceeded),
        ({"max_concurrent_trainings": 0}, TooManyTrainings),
        ({"monthly_budget_usd": 0}, BudgetExceeded),
        ({"monthly_budget_usd": 64}, BudgetExceeded),
    ],
)
def test_what_exceeds_the_operators_caps_is_refused_before_anything_is_read(
    tenant: Tenant, stack: dict[str, str], invoke: Invoke, event: Sample, caps: dict[str, int], error: type[Exception]
) -> None:
    sample = event("accept_upload")
    platform("s3").put_object(Bucket=stack["INGEST_BUCKET"], Key=sample["upload"]["key"], Body=b"a,b\n1,2\n")
    assert invoke("limit_tenant", {"tenant": "acme", **caps})["caps"].items() >= caps.items()
    with pytest.raises(error, match="kept") as caught:
        invoke("accept_upload", sample)
    assert spending.find_ledger("acme").places == {}
    failure = {"Error": type(caught.value).__name__, "Cause": str(caught.value)}
    assert outcomes.record(Upload(**sample["upload"]), failure, [])["error"]["code"] == error.__name__
    assert platform("s3").head_object(Bucket=stack["INGEST_BUCKET"], Key=sample["upload"]["key"])["ContentLength"] == 8
    invoke("limit_tenant", {"tenant": "acme"})
    invoke("accept_upload", sample)
    assert len(spending.find_ledger("acme").places) == 1, "the operator took the cap away"


def test_a_models_own_caps_are_settings(tenant: Tenant, invoke: Invoke, event: Sample) -> None:
    for capped in ({"trainings_per_day": 0}, {"monthly_budget_usd": 64}):
        registry.put_model("acme", "churn", ModelSettings.from_document({"target": "Churn?", **capped}))
        with pytest.raises(UploadError, match="the model churn"):
            invoke("accept_upload", event("accept_upload"))
    registry.put_model("acme", "churn", ModelSettings.from_document({"target": "Churn?", "monthly_budget_usd": 65}))
    invoke("accept_upload", event("accept_upload"))


def test_of_two_uploads_at_once_one_has_the_last_place(tenant: Tenant, invoke: Invoke) -> None:
    invoke("limit_tenant", {"tenant": "acme", "max_concurrent_trainings": 2})
    spending.admit(of("e0", "m0"), ModelSettings("y"), tenant.account)
    events, faster = platform("dynamodb").meta.events, [of("e1", "m1")]

    def overtake(**_: Any) -> None:
        """Between the slower upload's read and its write, let the faster one take the place."""
        if faster:
            spending.admit(faster.pop(), ModelSettings("y"), tenant.account)

    events.register_first("before-send.dynamodb.UpdateItem", overtake)
    try:
        with pytest.raises(TooManyTrainings):
            spending.admit(of("e2", "m2"), ModelSettings("y"), tenant.account)
    finally:
        events.unregister("before-send.dynamodb.UpdateItem", overtake)
    assert faster == []
    assert sorted(spending.find_ledger("acme").places) == ["e0", "e1"]


def test_an_upload_whose_training_never_began_gives_its_place_back_and_costs_nothing(
    tenant: Tenant, invoke: Invoke, event: Sample, upload: Upload
) -> None:
    invoke("limit_tenant", {"tenant": "acme", "trainings_per_day": 1, "max_concurrent_trainings": 1})
    invoke("accept_upload", event("accept_upload"))
    with pytest.raises(TrainingsPerDayExceeded):
        spending.admit(of("e2"), ModelSettings("y"), tenant.account)
    outcomes.record(upload, {"Error": "EmptyFile", "Cause": "no record"}, [])
    spending.admit(of("e2"), ModelSettings("y"), tenant.account)
    assert spending.find_ledger("acme").months == {}


def test_a_training_that_was_lost_counts_at_its_worst_case_once(
    tenant: Tenant, invoke: Invoke, event: Sample, upload: Upload, run: Run
) -> None:
    invoke("accept_upload", event("accept_upload"))
    registry.note_progress(run, {"training": {"job_name": "job", "status": "InProgress"}})
    for _ in range(2):
        outcomes.record(upload, {"Error": "ExecutionStopped", "Cause": "stopped"}, [])
    ledger = spending.find_ledger("acme")
    (spent,) = ledger.months.values()
    assert spent["churn"]["training_micros"] == 64_516_667
    assert ledger.places == {}


def test_caps_are_the_limits_neighbours_and_neither_takes_the_others_away(tenant: Tenant, invoke: Invoke) -> None:
    asked = {"tenant": "acme", "rows_per_day": 10, "monthly_budget_usd": 50}
    assert invoke("limit_tenant", asked) == {
        "tenant": "acme",
        "limits": {"requests_per_second": 50, "requests_per_day": 1_000_000, "rows_per_day": 10},
        "caps": {"trainings_per_day": None, "max_concurrent_trainings": None, "monthly_budget_usd": 50},
    }
    assert spending.find_caps("acme") == Caps(monthly_budget_usd=50)


def test_usage_says_what_this_month_cost_by_model_and_what_is_unknown(tenant: Tenant, invoke: Invoke, get: Get) -> None:
    invoke("limit_tenant", {"tenant": "acme", "monthly_budget_usd": 500})
    for name, cost in (("e1", (3600, 2_000_000)), ("e2", None)):
        spending.admit(of(name), ModelSettings("y"), tenant.account)
        spending.settle(of(name), begun=True, cost=cost)
    spending.admit(of("e3"), ModelSettings("y"), tenant.account)
    spending.open_endpoint(of("e1", "fast"), plan(instance_type="ml.m5.xlarge", instance_count=2), "us-east-1")
    spending.open_endpoint(of("e1", "rare"), plan(serverless_memory_mb=4096), "us-east-1")
    found = get("/usage")
    assert found["requests"]["limit"] == 1_000_000, "this day's predictions stay"
    spent = found["spending"]
    assert spent["training"] == {"usd": "66.516667", "seconds": 3600}
    assert (spent["endpoint"]["usd"], "serverless" in spent["reason"]) == (None, True)
    assert (spent["trainings_running"], spent["trainings_today"]) == (1, 3)
    assert spent["caps"]["monthly_budget_usd"] == 500
    assert Decimal(spent["committed_usd"]) >= Decimal("131.033334"), "with the training that runs"
    by_model = {row["model"]: row for row in spent["models"]}
    assert "worst case" in by_model["churn"]["reason"]
    assert by_model["fast"]["endpoint"]["usd"] is not None
    assert by_model["rare"]["endpoint"]["usd"] is None
    spending.close_endpoint("acme", "fast", of("e1").version)
    assert list(spending.find_ledger("acme").endpoints) == [f"rare/{of('e1').version}"]
    assert "AWS would ask" in spent["note"]


def test_an_endpoint_is_refused_by_a_budget_that_is_used_up(tenant: Tenant, invoke: Invoke) -> None:
    spending.require_budget("acme", "churn")
    invoke("limit_tenant", {"tenant": "acme", "monthly_budget_usd": 0})
    with pytest.raises(BudgetExceeded):
        spending.require_budget("acme", "churn")


@pytest.mark.parametrize(("trained_with", "now", "is_refused"), [(None, 0, True), (0, None, False)])
def test_a_version_that_is_asked_for_fits_into_the_budget_of_today_not_of_its_training(
    tenant: Tenant, trained_with: int | None, now: int | None, is_refused: bool
) -> None:
    run = of("acme-churn-0123456789abcdef")
    trained(run, monthly_budget_usd=trained_with)
    registry.put_model("acme", "churn", ModelSettings("Churn?", monthly_budget_usd=now))
    asked = DeploymentRequest.from_document({"execution": run.execution})
    with pytest.raises(BudgetExceeded, match="the model churn") if is_refused else nullcontext():
        deployments.request(tenant, "churn", asked, REGION)
    assert len(registry.all_versions("acme", "churn")) == (not is_refused)


def test_a_repeat_of_a_version_that_is_being_deployed_is_not_checked_against_the_budget_again(tenant: Tenant) -> None:
    run = of("acme-churn-0123456789abcdef")
    trained(run)
    asked, name = DeploymentRequest.from_document({"execution": run.execution}), deployments.proposed_name()
    registry.put_model("acme", "churn", ModelSettings("Churn?"))
    first = deployments.request(tenant, "churn", asked, REGION, lambda: name)
    registry.put_model("acme", "churn", ModelSettings("Churn?", monthly_budget_usd=0))
    assert deployments.request(tenant, "churn", asked, REGION, lambda: name) == first
    with pytest.raises(BudgetExceeded):
        deployments.request(tenant, "churn", asked, REGION)


def trained(run: Run, **settings: Any) -> None:
    """Write what is left of a training that came to a candidate."""
    training = {"candidate": "best", "candidates": [{"name": "best", "status": "Completed"}]}
    upload = {"uploaded_at": "2026-11-22T17:03:01Z"}
    row = {"settings": ModelSettings("Churn?", **settings).as_document(), "training": training, "upload": upload}
    registry.add_execution("acme", run.execution, run.as_document() | row | {"ended_at": "2026-11-22"})
    put_training(run, "2026-11-22T17:10:00Z")


def plan(**fields: Any) -> EndpointPlan:
    nothing: dict[str, Any] = dict.fromkeys(EndpointPlan.__dataclass_fields__)
    return EndpointPlan(**(nothing | {"reason": "asked for"} | fields))
