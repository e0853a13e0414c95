"""A paused model leaves nothing that costs, and answers again as before, whoever dies and whatever runs twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.sagemaker import endpoints
from tenantml.services import deployments, orphans, registry, retention, spending
from tests.integration.pipeline.faults import DyingInvoke, call, twice
from tests.integration.pipeline.machine import DEPLOYMENT, OFFBOARDING, Machine

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

Invoke = Callable[[str, Any], Any]
Walk = Callable[..., Iterator[str]]
HOUR = 3600


@pytest.fixture
def customer(new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]) -> Customer:
    """A tenant whose first version is live."""
    found = new_customer()
    assert list(pipeline(found, call))[-1] == "Live"
    return found


@pytest.fixture
def walk(customer: Customer, machine_of: Callable[..., Machine], session_environment: dict[str, str]) -> Walk:
    """Walk what the newest execution of the deployment machine was given; yield the states' names."""

    def walk(invoke: Invoke = call) -> Iterator[str]:
        steps = customer.cloud.client("stepfunctions")
        rows = steps.list_executions(stateMachineArn=session_environment["DEPLOYMENT_STATE_MACHINE"])["executions"]
        newest = max(
            (row for row in rows if row["name"].startswith(f"{customer.run.tenant}_")), key=lambda row: row["startDate"]
        )
        given = json.loads(steps.describe_execution(executionArn=newest["executionArn"])["input"])
        yield from machine_of(customer, invoke, DEPLOYMENT).execute(given)

    return walk


def standing(customer: Customer) -> list[list[str]]:
    """The names of the customer's endpoints, configurations and models."""
    prefix = f"{customer.tenant.prefix}-"
    return [endpoints.names(customer.client("sagemaker"), kind, prefix) for kind in endpoints.KINDS]


def of_version(customer: Customer, version: str) -> list[list[str]]:
    return [[customer.tenant.account.endpoint(customer.run.model, version)]] * 3


def row_of(customer: Customer) -> dict[str, Any]:
    return registry.get_model(customer.run.tenant, customer.run.model)


def resumed(customer: Customer) -> str:
    """Ask for the resumption; return the version that it is deployed as."""
    deployments.resume(customer.tenant, customer.run.model, "k")
    return registry.resumed_as(row_of(customer)) or ""


def pause_and_resume(customer: Customer, walk: Walk, invoke: Invoke) -> None:
    run = customer.run
    kept = customer.client("s3").list_objects_v2(Bucket=customer.tenant.account.bucket)["KeyCount"]
    deployments.pause(customer.tenant, run.model, "k")
    assert list(walk(invoke)) == ["WhatIsAsked", "Drain", "RetireVersion", "IsRolledBack", "Retired"]
    assert standing(customer) == [[], [], []]
    assert customer.client("s3").list_objects_v2(Bucket=customer.tenant.account.bucket)["KeyCount"] == kept
    saves = spending.find_ledger(run.tenant).pauses[run.model]
    assert saves["micros_per_hour"], "from now on, what the endpoint cost is saved"

    anew = resumed(customer)
    states = list(walk(invoke))
    assert states[-3:] == ["HadVersionBefore", "RecordDeployment", "Live"]
    assert not {"ExplainVersion", "EvaluateVersion", "JudgeVersion"} & {*states}
    assert (row_of(customer)["live_version"], row_of(customer)["paused"]) == (anew, None)
    assert standing(customer) == of_version(customer, anew)
    assert spending.find_ledger(run.tenant).pauses == {}
    assert spending.report(run.tenant)["saved"]["seconds"] > 0
    rows = [registry.get_version(run.tenant, run.model, name) for name in (run.version, anew)]
    for name in ("candidate", "execution", "evaluation", "score_bins", "verdict", "plan", "output_keys"):
        assert rows[0][name] == rows[1][name], name
    containers = customer.client("sagemaker").describe_model(ModelName=rows[1]["endpoint"])["Containers"]
    assert all(run.execution in container["ModelDataUrl"] for container in containers)


@pytest.mark.explore  # what a process that dies leaves is repeated in the test below, too
def test_a_pause_removes_what_costs_and_a_resumption_makes_it_of_what_is_kept_though_each_state_runs_twice(
    customer: Customer, walk: Walk
) -> None:
    pause_and_resume(customer, walk, twice)


def test_a_process_may_die_at_any_call_of_a_pause_and_of_a_resumption(
    customer: Customer, walk: Walk, boundary: Boundary
) -> None:
    invoke = DyingInvoke(boundary)
    pause_and_resume(customer, walk, invoke)
    assert {"RetireVersion", "DeployCandidate", "PromoteVersion"} <= invoke.deaths.keys()


def test_the_sweep_removes_what_is_paused_and_nothing_that_is_being_resumed(customer: Customer, walk: Walk) -> None:
    deployments.pause(customer.tenant, customer.run.model, "k")
    orphans.remove_orphans(customer.tenant)  # the machine that the pause started has died
    assert standing(customer) == [[], [], []]
    anew = resumed(customer)
    for state in walk():
        if state in {"DeployCandidate", "CheckEndpoint", "PromoteVersion"}:
            orphans.remove_orphans(customer.tenant)
            assert standing(customer) == of_version(customer, anew), state
    assert row_of(customer)["live_version"] == anew


def test_a_pause_during_a_resumption_leaves_no_endpoint(customer: Customer, walk: Walk) -> None:
    deployments.pause(customer.tenant, customer.run.model, "k")
    list(walk())
    anew = resumed(customer)
    states = walk()
    assert "CheckEndpoint" in states
    deployments.pause(customer.tenant, customer.run.model, "k")
    assert list(states)[-4:] == ["RollBack", "RecordFailure", "HasFailed", "Failed"]
    assert standing(customer) == [[], [], []]
    failed = registry.get_version(customer.run.tenant, customer.run.model, anew)
    assert (failed["status"], failed["error"]["code"]) == ("rolled back", "UploadSuperseded")
    assert (row_of(customer)["live_version"], registry.resumed_as(row_of(customer))) == (None, None)
    assert retention.prune(customer.run, keep_versions=1) == [], "and what it was made of stays"


def test_what_is_uploaded_to_a_paused_model_is_not_compared_and_ends_the_pause(
    customer: Customer, walk: Walk, pipeline: Callable[..., Iterator[str]]
) -> None:
    deployments.pause(customer.tenant, customer.run.model, "k")
    list(walk())
    newer = customer.uploads_again(after_seconds=HOUR)
    assert list(pipeline(newer, call))[-1] == "Live"
    found = registry.get_version(newer.run.tenant, newer.run.model, newer.run.version)
    assert found["evaluation"]["not_compared"] == "the model is paused"
    assert (row_of(customer)["live_version"], row_of(customer)["paused"]) == (newer.run.version, None)
    assert standing(customer) == of_version(customer, newer.run.version)


@pytest.mark.parametrize("last", ["", "CheckEndpoint"])
def test_a_removal_while_paused_or_resuming_leaves_nothing(
    customer: Customer, walk: Walk, machine_of: Callable[..., Machine], last: str
) -> None:
    deployments.pause(customer.tenant, customer.run.model, "k")
    list(walk())
    if last:
        resumed(customer)
        assert last in walk()  # and its machine is stopped there
    removal = machine_of(customer, call, OFFBOARDING).execute({"tenant": customer.run.tenant})
    assert list(removal)[-1] == "Removed"
    assert standing(customer) == [[], [], []]
    assert registry.rows_of(customer.run.tenant, None) == []
