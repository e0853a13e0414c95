"""An execution that was stopped anywhere and is redriven from there, as an administrator of our account may: it comes
to what the tenant was told, and leaves nothing.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html: a redrive begins with the state that did
not succeed, with its input and variables; a Fail state fails again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.services import grants, registry
from tests.integration.pipeline.faults import call
from tests.integration.pipeline.machine import TRAINING, Machine
from tests.integration.pipeline.test_crashes import (
    assert_no_grant_and_no_copy_is_left,
    assert_published_once,
    names,
)

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

RESCUE = Path(TRAINING).with_name("rescue.asl.json")
OF_TRAINING = ("InspectDataset", "GrantAccess", "DeliverDataset", "StartTraining", "CheckTraining", "SelectCandidate")
OF_DEPLOYMENT = ("ExplainVersion", "PlanVersion", "DeployCandidate", "CheckEndpoint", "EvaluateVersion", "JudgeVersion")
MachineOf = Callable[..., Machine]


def stop_and_redrive(
    customer: Customer, machine_of: MachineOf, pipeline: Any, after: str, deployments: str
) -> list[str]:
    """Stop an execution after a state, have it rescued, and redrive it; return the states from there."""
    walk: Iterator[str] = pipeline(customer, call)
    while next(walk) != after:
        pass
    detail = {"name": customer.run.execution, "input": json.dumps(customer.upload.as_input()), "status": "ABORTED"}
    if after in OF_DEPLOYMENT:
        arn = f"{deployments.replace(':stateMachine:', ':execution:')}:{customer.run.deployment}"
        started = customer.cloud.client("stepfunctions").describe_execution(executionArn=arn)
        detail |= {"name": customer.run.deployment, "input": started["input"]}
    assert list(machine_of(customer, call, RESCUE).execute({"detail": detail}))[-1] == "Rescued"
    return list(walk)


def assert_it_is_as_the_tenant_was_told(customer: Customer, boundary: Boundary) -> None:
    run = customer.run
    row = registry.require_execution(run.tenant, run.execution)
    assert (row["status"], row["error"]["code"], row["left_behind"]) == ("failed", "ExecutionStopped", [])
    assert_published_once(customer, boundary, "failed")
    assert not registry.is_live(run.tenant, run.model, run.version)
    assert [names(customer, kind) for kind in ("endpoint", "endpoint-config", "model")] == [[], [], []]
    assert_no_grant_and_no_copy_is_left(customer)


@pytest.mark.parametrize(
    "after",
    [
        after if after in ("SelectCandidate", "CheckEndpoint") else pytest.param(after, marks=pytest.mark.explore)
        for after in (*OF_TRAINING, *OF_DEPLOYMENT)
    ],
)
def test_a_stopped_execution_that_is_redriven_comes_to_what_the_tenant_was_told(
    new_customer: Callable[..., Customer],
    machine_of: MachineOf,
    pipeline: Callable[..., Iterator[str]],
    session_environment: dict[str, str],
    boundary: Boundary,
    after: str,
) -> None:
    customer = new_customer()
    states = stop_and_redrive(customer, machine_of, pipeline, after, session_environment["DEPLOYMENT_STATE_MACHINE"])
    grants.sweep()
    call("sweep_tenant", {"tenant": customer.tenant.tenant})
    assert states[-1] == "Failed", states
    assert_it_is_as_the_tenant_was_told(customer, boundary)
