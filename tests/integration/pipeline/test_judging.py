"""A challenger that is worse does not replace the live version, whatever goes live meanwhile; a person may say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.names import requested_version_name
from tenantml.domain.training.run import Run
from tenantml.services import deployments, registry
from tests.integration.pipeline.faults import call
from tests.integration.pipeline.machine import DEPLOYMENT, Machine

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer

BEST, LESSER = "WeightedEnsemble-L3-FULL-t1", "LightGBM-L1-FULL-t1"
Invoke = Callable[[str, Any], Any]
Deploy = Callable[..., tuple[Run, list[str]]]
Begin = Callable[..., tuple[Run, Iterator[str]]]


@pytest.fixture
def customer(new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]) -> Customer:
    """A tenant whose first version is live."""
    found = new_customer()
    list(pipeline(found, call))
    return found


@pytest.fixture
def begin(customer: Customer, machine_of: Callable[..., Machine]) -> Begin:
    """Start to deploy a candidate as a version of its own; return its run and the states that it goes through."""

    def begin(candidate: str, invoke: Invoke = call, later: int = 1, **settings: Any) -> tuple[Run, Iterator[str]]:
        first = customer.run
        name = requested_version_name(datetime.now(UTC) + timedelta(minutes=later), candidate)
        run = Run(first.execution, first.tenant, first.model, name)
        deployments.start(run, customer.tenant.account, candidate, asked={"settings": settings})
        document = {"run": run.as_document(), "candidate": candidate, "left_behind": []}
        return run, machine_of(customer, invoke, DEPLOYMENT).execute(document)

    return begin


@pytest.fixture
def deploy(begin: Begin) -> Deploy:
    """Deploy a candidate as a version of its own, and return its run and the states that it went through."""

    def deploy(*asked: Any, **settings: Any) -> tuple[Run, list[str]]:
        run, states = begin(*asked, **settings)
        return run, list(states)

    return deploy


def version_of(run: Run) -> dict[str, Any]:
    return registry.find_version(run.tenant, run.model, run.version) or {}


def endpoints_of(customer: Customer) -> list[str]:
    return endpoints.names(customer.client("sagemaker"), "endpoint", customer.tenant.prefix)


def test_a_worse_candidate_is_refused_and_goes_live_when_a_person_says_so(customer: Customer, deploy: Deploy) -> None:
    first = customer.run
    run, states = deploy(LESSER)
    assert states[-5:] == ["JudgeVersion", "RollBack", "RecordFailure", "HasFailed", "Failed"]
    found = version_of(run)
    assert (found["error"]["code"], found["status"]) == ("DidNotBeatLive", "rolled back")
    assert found["evaluation"]["live"]["version"] == first.version
    assert found["evaluation"]["live"]["gain"]["value"] < -0.1
    assert registry.is_live(first.tenant, first.model, first.version)
    assert endpoints_of(customer) == [customer.tenant.account.endpoint(first.model, first.version)]

    by_hand, states = deploy(LESSER, later=2, promote="always")
    assert states[-1] == "Live"
    assert registry.is_live(first.tenant, first.model, by_hand.version)
    assert endpoints_of(customer) == [customer.tenant.account.endpoint(by_hand.model, by_hand.version)]
    better, states = deploy(BEST, later=3)
    assert (states[-1], version_of(better)["evaluation"]["looks"]) == ("Live", 4)


def test_what_went_live_during_a_deployment_is_what_the_version_is_judged_against(
    customer: Customer, begin: Begin, deploy: Deploy
) -> None:
    first = customer.run
    weak, _ = deploy(LESSER, promote="always")
    assert registry.is_live(first.tenant, first.model, weak.version)
    strong, rest = begin(BEST, later=2)  # asked for before the one that it overtakes
    assert "JudgeVersion" in iter(rest)

    def overtaken(function: str, payload: Any) -> Any:
        answer = call(function, payload)
        if function == "judge_version":
            list(rest)  # the version that was compared with is retired
        return answer

    run, states = deploy(LESSER, overtaken, later=3)
    assert [state for state in states if state in {"EvaluateVersion", "JudgeVersion", "PromoteVersion"}] == [
        "EvaluateVersion", "JudgeVersion", "PromoteVersion", "EvaluateVersion", "JudgeVersion",
    ]  # fmt: skip
    assert version_of(run)["error"]["code"] == "DidNotBeatLive"
    assert version_of(run)["evaluation"]["live"]["version"] == strong.version
    assert registry.is_live(first.tenant, first.model, strong.version)
    assert endpoints_of(customer) == [customer.tenant.account.endpoint(strong.model, strong.version)]
