"""What Autopilot answers and what it allows, as the pipeline meets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.sagemaker import automl
from tenantml.errors import CustomerAccessRevoked
from tenantml.services import registry
from tests.integration.pipeline.faults import call

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.machine import Machine

MachineOf = Callable[..., "Machine"]


def execution_of(customer: Customer) -> dict[str, Any]:
    return registry.require_execution(customer.run.tenant, customer.run.execution)


def test_the_captured_names_reach_the_tenant_under_the_standard_ones(
    new_customer: Callable[..., Customer], machine_of: MachineOf
) -> None:
    customer = new_customer(thresholds={"F1": 0.8})
    list(machine_of(customer, call).execute(customer.upload.as_input()))
    training = execution_of(customer)["training"]
    assert training["candidate"] == "WeightedEnsemble-L3-FULL-t1"
    assert training["objective"] == {"name": "F1", "value": 0.875}
    assert training["problem_type"] == "BinaryClassification"
    assert [row["name"] for row in training["candidates"]] == ["WeightedEnsemble-L3-FULL-t1", "LightGBM-L1-FULL-t1"]


@pytest.mark.parametrize("failure", [CustomerAccessRevoked("not now"), KeyError("a member that is not there")])
def test_what_keeps_progress_from_being_shown_does_not_end_the_training(
    new_customer: Callable[..., Customer],
    machine_of: MachineOf,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    customer, listed = new_customer(), automl.candidates

    def fail_once(*_: Any) -> Any:
        monkeypatch.setattr(automl, "candidates", listed)
        raise failure

    monkeypatch.setattr(automl, "candidates", fail_once)
    left = list(machine_of(customer, call).execute(customer.upload.as_input()))
    assert "RecordOutcome" in left
    assert execution_of(customer)["status"] == "succeeded"
