"""Off-boarding, walked through by its own definition: a tenant comes, goes, and comes again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import from_item
from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import RegistrationConflict
from tenantml.services import api_keys, quota, registry, reports
from tenantml.settings import setting
from tests.integration.pipeline.machine import OFFBOARDING, Machine
from tests.integration.platform.conftest import CUSTOMER, REGION

Invoke = Callable[[str, Any], Any]
NUMBERS = itertools.count(1)


class Operator:
    """Who adds a tenant, uses what it has, and off-boards it."""

    def __init__(self, invoke: Invoke, tenant: str) -> None:
        self._invoke = invoke
        self.tenant = tenant

    def add(self) -> None:
        """Register the tenant, unless its id is taken."""
        request = {"tenant": self.tenant, "account_id": CUSTOMER, "region": REGION, "contact": "cloud@acme.example"}
        try:
            self._invoke("register_tenant", request)
        except RegistrationConflict:
            assert registry.find_tenant(self.tenant)

    def use(self) -> None:
        """Make every kind of row that operators and tenants make, as far as the tenant may have them."""
        if registry.set_tenant_status(self.tenant, ACTIVE, was="registered"):
            api_keys.issue(self.tenant)
            registry.put_model(self.tenant, "churn", ModelSettings("Churn?"))
            self._invoke("limit_tenant", {"tenant": self.tenant, "rows_per_day": 10})
            quota.Meter(self.tenant).spend(1)

    def offboard(self, model: str | None = None) -> dict[str, Any] | None:
        """Walk through the removal of the tenant, or of a model; return its report, or None when it is refused."""
        answers: list[Any] = []

        def remember(function: str, payload: Any) -> Any:
            answers.append(self._invoke(function, payload))
            return answers[-1]

        request = {"tenant": self.tenant, "model": model}
        *_, last_state = Machine(OFFBOARDING, remember, lambda: None).execute(request)
        assert last_state in {"Removed", "Refused"}
        report: dict[str, Any] = answers[-1].get("report") or answers[-1] if last_state == "Removed" else {}
        return report or None

    def rows(self) -> list[dict[str, Any]]:
        """Return every row of the registry that names the tenant."""
        rows = platform("dynamodb").scan(TableName=setting("REGISTRY_TABLE"))["Items"]
        return [from_item(row) for row in rows if self.tenant in json.dumps(row)]


@pytest.fixture(params=["delete", "tombstone"])
def records(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the deployment keeps of tenants that left."""
    monkeypatch.setenv("OFFBOARDED_RECORDS", request.param)
    return str(request.param)


@pytest.fixture
def new_operator(customer_s3: Any, invoke: Invoke) -> Callable[[], Operator]:
    """Make an operator with a tenant of its own, which is not registered yet."""
    return lambda: Operator(invoke, f"acme{next(NUMBERS)}")


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["add", "use", "offboard", "offboard churn"]), min_size=2, max_size=5))
@example(steps=["add", "offboard", "add"])
@example(steps=["add", "use", "offboard churn", "use", "offboard", "add", "offboard churn"])
def test_a_removal_that_succeeds_leaves_no_row_of_the_tenant_whatever_came_before(
    records: str, new_operator: Callable[[], Operator], steps: list[str]
) -> None:
    operator = new_operator()
    for step in [*steps, "offboard"]:
        if step in {"add", "use"}:
            getattr(operator, step)()
        elif step == "offboard churn":
            if operator.offboard("churn"):
                assert registry.rows_of(operator.tenant, "churn") == []
        else:
            was_known = registry.find_tenant(operator.tenant) is not None
            report = operator.offboard()
            assert report or not was_known
            tombstones = [row for row in operator.rows() if "removed_at" in row]
            assert operator.rows() == (tombstones if records == "tombstone" else [])


def test_a_report_answers_for_the_registration_that_it_is_of(
    new_operator: Callable[[], Operator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFBOARDED_RECORDS", "delete")
    operator = new_operator()
    operator.add()
    operator.use()
    assert operator.offboard("churn")
    first = operator.offboard()
    assert first
    assert first | {"altered": False} == operator.offboard(), "a repeat returns the report"

    operator.add()
    assert operator.offboard("churn") is None, "this registration has never had the model"
    second = operator.offboard()
    assert second
    assert second | {"altered": False} == operator.offboard()
    assert second["removal"] != first["removal"]
    removals = {head["removal"] for head in reports.heads(operator.tenant)}
    assert len(removals) == 3, "each removal has a report of its own, also when all begin in one second"


def test_of_removals_that_begin_in_one_second_the_last_is_the_latest(tenant: Tenant) -> None:
    for number in range(12):
        registered = replace(tenant, external_id=f"of-registration-{number}")
        begun = reports.begin(wanted := Offboarding(tenant.tenant), registered)
        reports.conclude(replace(wanted, removal=begun), "removed")
        for whose in (None, registered):
            found = reports.latest(wanted, whose, ended=True)
            assert found
            assert found["removal"] == begun
