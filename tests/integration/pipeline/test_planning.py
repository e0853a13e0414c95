"""What a version is served on is decided before anything of it exists; of one for batches alone nothing stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.errors import NoEndpoint
from tenantml.services import orphans, registry, serving, spending
from tenantml.services.registry import keys, table
from tests.integration.pipeline.faults import DyingInvoke, call, twice
from tests.integration.pipeline.test_crashes import assert_it_failed_without_an_endpoint, names

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

Pipeline = Callable[..., Iterator[str]]
KINDS = ("endpoint", "endpoint-config", "model")
OF_BATCHES = {"PlanVersion", "PromoteVersion", "RetireVersion"}


def version_of(customer: Customer) -> dict[str, Any]:
    run = customer.run
    return registry.get_version(run.tenant, run.model, run.version)


def standing(customer: Customer) -> list[list[str]]:
    return [names(customer, kind) for kind in KINDS]


def test_a_serverless_endpoint_that_cannot_be_is_refused_before_anything_is_created(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customer = new_customer(endpoint="serverless", network_isolation=True)
    walked = list(pipeline(customer, call))
    assert walked[-5:] == ["PlanVersion", "RollBack", "RecordFailure", "HasFailed", "Failed"]
    assert "DeployCandidate" not in walked
    assert_it_failed_without_an_endpoint(customer, boundary, "ServerlessNotPossible")


@pytest.mark.parametrize("how", ["dying", pytest.param("twice", marks=pytest.mark.explore)])
def test_a_version_for_batches_alone_is_judged_and_leaves_nothing_standing_whoever_dies(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary, how: str
) -> None:
    customer, dying = new_customer(endpoint="none"), DyingInvoke(boundary)
    fault: Callable[[str, Any], Any] = dying if how == "dying" else twice

    def invoke(function: str, payload: Any) -> Any:
        return (fault if payload["state"] in OF_BATCHES else call)(function, payload)

    walked = list(pipeline(customer, invoke))
    assert walked[walked.index("PromoteVersion") :] == [
        "PromoteVersion", "HadVersionBefore", "Drain", "RetireVersion", "IsRolledBack", "RecordDeployment", "Live",
    ]  # fmt: skip
    assert standing(customer) == [[], [], []]
    run, row = customer.run, version_of(customer)
    assert (row["status"], row["plan"]["endpoint"], row["verdict"]["decision"]) == ("live", "none", "promote")
    assert registry.is_live(run.tenant, run.model, run.version)
    assert spending.find_ledger(run.tenant).endpoints == {}
    with pytest.raises(NoEndpoint, match="batches"):
        serving.live_version(run.tenant, run.model)

    again = customer.uploads_again()
    assert list(pipeline(again, call))[-1] == "Live"
    judged = version_of(again)
    assert judged["evaluation"]["not_compared"] == "it answers batches alone, and has no endpoint"
    assert judged["verdict"]["decided"] is False
    assert standing(customer) == [[], [], []]
    assert version_of(customer)["status"] == "retired"


def test_the_sweep_removes_what_a_version_for_batches_alone_was_judged_with(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    customer = new_customer(endpoint="none")
    walk, state = pipeline(customer, call), ""
    while state != "Drain":
        state = next(walk)
    run, name = customer.run, customer.tenant.account.endpoint(customer.run.model, customer.run.version)
    orphans.remove_orphans(customer.tenant)
    assert standing(customer) == [[name]] * 3, "its deployment has not ended"
    registry.end_version(run, {"status": "live"})
    orphans.remove_orphans(customer.tenant)
    assert standing(customer) == [[], [], []]
    assert registry.is_live(run.tenant, run.model, run.version)
    assert version_of(customer)["status"] == "live"
    assert spending.find_ledger(run.tenant).endpoints == {}


@pytest.mark.parametrize(("requests", "endpoint"), [(100, "serverless"), (10**6, "real-time")])
def test_how_often_the_version_before_was_called_decides(
    new_customer: Callable[..., Customer], pipeline: Pipeline, requests: int, endpoint: str
) -> None:
    customer = new_customer(bake_minutes=0)
    run = customer.run
    assert list(pipeline(customer, call))[-1] == "Live"
    assert version_of(customer)["plan"]["endpoint"] == "real-time"
    promoted_at = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    registry.update_version(run.tenant, run.model, run.version, {"promoted_at": promoted_at})
    table.add(keys.served(run.tenant, run.model, run.version), {"requests": requests}, 2_000_000_000)

    again = customer.uploads_again()
    assert list(pipeline(again, call))[-1] == "Live"
    plan = version_of(again)["plan"]
    assert plan["endpoint"] == endpoint, json.dumps(plan)
    assert f"requests an hour were measured of {run.version}" in plan["reason"]
    if endpoint == "serverless":
        client, name = customer.client("sagemaker"), version_of(again)["endpoint"]
        (variant,) = client.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
        assert variant["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
        assert spending.find_ledger(run.tenant).endpoints[f"{run.model}/{again.run.version}"]["serverless"]
