"""What operators list: models, versions and executions of any tenant, as that tenant sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.domain.api import pagination
from tenantml.domain.predictions.batch import Batch
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import InvalidOperation, NotFound, TenantNotFound
from tenantml.services import quota, registry
from tenantml.services.registry import table
from tests.functions import module_of

Invoke = Callable[[str, Any], Any]


@pytest.fixture
def uploads(tenant: Tenant) -> None:
    """Two tenants with a model and two uploads each, which were made by turns; the newest has failed."""
    registry.add_tenant(Tenant.from_document(tenant.as_document() | {"tenant": "globex"}))
    for owner in ("globex", "acme"):
        registry.put_model(owner, "churn", ModelSettings("Churn?"), None)
    for minute, (owner, status) in enumerate(
        [("acme", "running"), ("globex", "succeeded"), ("acme", "superseded"), ("globex", "failed")]
    ):
        name, when = f"{owner}-churn-{minute:016}", f"2026-11-28T12:0{minute}:00.000Z"
        document = {"tenant": owner, "model": "churn", "status": status, "upload": {"key": "k", "uploaded_at": when}}
        registry.add_execution(owner, name, document)


def listed(invoke: Invoke, **asked: Any) -> list[int]:
    """The minutes of the executions that are listed."""
    return [int(row["execution"][-16:]) for row in invoke("describe_executions", asked)["executions"]]


def test_executions_of_all_tenants_are_listed_the_newest_first(uploads: None, invoke: Invoke) -> None:
    assert listed(invoke) == [3, 2, 1, 0]
    assert listed(invoke, limit=2) == [3, 2]
    assert listed(invoke, tenant="acme") == [2, 0]
    assert listed(invoke, status="failed") == [3]
    assert listed(invoke, model="other") == []


def test_a_failure_is_found_behind_the_rows_that_a_page_reads(
    tenant: Tenant, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "READ_ROWS", 100)
    for minute in range(450):
        name, when = f"acme-churn-{minute:016}", f"2026-11-22T{minute // 60:02}:{minute % 60:02}:00Z"
        status = "failed" if minute in (3, 440) else "succeeded"
        document = {"tenant": "acme", "model": "churn", "status": status, "upload": {"key": "k", "uploaded_at": when}}
        registry.add_execution("acme", name, document)
    assert listed(invoke, status="failed") == [440, 3]
    assert listed(invoke, status="failed", limit=1) == [440]


def test_an_execution_is_found_by_its_name_alone(uploads: None, invoke: Invoke) -> None:
    name = "globex-churn-0000000000000001"
    (found,) = invoke("describe_executions", {"execution": name})["executions"]
    assert (found["tenant"], found["status"], found["advice"]) == ("globex", "succeeded", [])
    with pytest.raises(NotFound):
        invoke("describe_executions", {"execution": name, "tenant": "acme"})
    with pytest.raises(NotFound):
        invoke("describe_executions", {"execution": "globex-churn-0"})


@pytest.mark.parametrize(
    ("function", "kind", "count"), [("describe_tenants", "tenants", 6), ("describe_models", "models", 2)]
)
def test_what_all_tenants_have_comes_in_pages_which_read_no_more_than_they_show(
    tenant: Tenant, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, function: str, kind: str, count: int
) -> None:
    monkeypatch.setattr(pagination, "MAX_LIMIT", 2)
    for number in range(5):
        registry.add_tenant(Tenant.from_document(tenant.as_document() | {"tenant": f"tenant{number}"}))
    registry.put_model("tenant4", "churn", ModelSettings("Churn?"), None)
    found: list[Any] = []
    reads: list[str] = []
    read = platform("dynamodb").meta.events.register
    read("provide-client-params.dynamodb.*", lambda model, **_: reads.append(model.name), unique_id="reads")
    token: dict[str, str] = {}
    while True:
        page = invoke(function, token)
        assert len(reads) <= 1 + 2 * 2, "the names, and what the two tenants of a page have"
        reads.clear()
        found += page[kind]
        if page["next_token"] is None:
            break
        token = {"next_token": page["next_token"]}
    platform("dynamodb").meta.events.unregister("provide-client-params.dynamodb.*", unique_id="reads")
    assert len(found) == count


def test_executions_of_very_many_tenants_are_asked_for_by_tenant(
    uploads: None, tenant: Tenant, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_of("describe_executions"), "MANY_TENANTS", 1)
    with pytest.raises(InvalidOperation, match="tenant: expected, since there are 2 tenants"):
        invoke("describe_executions", {})
    assert listed(invoke, tenant="acme") == [2, 0]
    name = "globex-churn-0000000000000001"
    assert invoke("describe_executions", {"execution": name})["executions"][0]["tenant"] == "globex"


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"limit": 0}, "limit: expected"), ({"limit": 101}, "limit: expected"), ({"status": "odd"}, "status: expected")],
)
def test_what_cannot_be_listed_is_refused_by_name(
    uploads: None, invoke: Invoke, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidOperation, match=message):
        invoke("describe_executions", asked)


def test_models_of_all_tenants_are_listed_with_whose_they_are(uploads: None, invoke: Invoke) -> None:
    found = invoke("describe_models", {})
    assert [(row["tenant"], row["model"]) for row in found["models"]] == [("acme", "churn"), ("globex", "churn")]
    assert found["next_token"] is None
    assert [row["tenant"] for row in invoke("describe_models", {"tenant": "globex"})["models"]] == ["globex"]
    with pytest.raises(TenantNotFound):
        invoke("describe_models", {"tenant": "nobody"})


def test_batches_are_those_of_one_model_of_one_tenant_and_lead_to_no_row(uploads: None, invoke: Invoke) -> None:
    for owner, name in (("acme", "0" * 16), ("acme", "1" * 16), ("globex", "2" * 16)):
        batch = Batch(owner, "churn", name)
        registry.begin_batch(Run(batch.execution, owner, "churn", "v1"), {"batch": name, "result": {"key": "secret"}})
    asked = {"tenant": "acme", "model": "churn", "batches": True}
    found = invoke("describe_models", asked)
    assert [row["batch"] for row in found["batches"]] == ["1" * 16, "0" * 16]
    assert "secret" not in str(found)
    for model in ("other", "NO MODEL"):
        with pytest.raises(NotFound):
            invoke("describe_models", asked | {"model": model})


def test_one_tenant_is_shown_with_what_it_uses_and_spends(uploads: None, invoke: Invoke) -> None:
    quota.of("acme").spend(7)
    (found,) = invoke("describe_tenants", {"tenant": "acme"})["tenants"]
    assert found["usage"]["rows"]["used"] == 7
    assert found["usage"]["spending"]["trainings_running"] == 0
    assert "usage" not in invoke("describe_tenants", {})["tenants"][0]


def test_versions_are_those_of_one_model_of_one_tenant(uploads: None, invoke: Invoke) -> None:
    assert invoke("describe_models", {"tenant": "acme", "model": "churn"}) == {"versions": [], "next_token": None}
    for model in ("other", "NO MODEL"):
        with pytest.raises(NotFound):
            invoke("describe_models", {"tenant": "acme", "model": model})
    with pytest.raises(InvalidOperation, match="with the tenant"):
        invoke("describe_models", {"model": "churn"})
