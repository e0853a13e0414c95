"""Whoever dies wherever in the pipeline, whatever reply is lost, whatever is delivered twice: what must always hold
holds, for two tenants that take turns, and nothing is left behind of what failed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local import NO_ACCOUNT
from tenantml.aws.clients import platform
from tenantml.aws.s3 import access_points
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.access.grant import access_point_name
from tenantml.domain.api.pagination import PageRequest
from tenantml.domain.tenancy.tenant import ACTIVE
from tenantml.domain.training.run import Run
from tenantml.services import receipts, registry
from tenantml.services.registry import keys as keys_of_rows
from tenantml.services.registry import table
from tenantml.settings import setting
from tests.integration.pipeline.faults import BLIPS, DyingInvoke, FailingInvoke, call, twice
from tests.integration.pipeline.machine import DEPLOYMENT, TRAINING

if TYPE_CHECKING:
    from tenantml.domain.training.run import Run
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

Invoke = Callable[[str, Any], Any]
Pipeline = Callable[..., Iterator[str]]
DELIVERIES = ["copy", "upload", "in-place"]
OF_A_SECOND_VERSION = {"CheckBake", "RetireVersion"}
OF_AN_APPROVAL = {"AwaitApproval", "CheckApproval"}  # test_approvals.py


def tasks_of(machine: Path, last: str) -> list[str]:
    """The states of a first version that is trained from a copy and that have a function, in the definition's order."""
    states = json.loads(machine.read_text())["States"]
    return [
        name
        for name in list(states)[: list(states).index(last)]
        if states[name]["Type"] == "Task"
        and name not in {"RevokeTrainingAccess", "EnlargeEndpoint", *OF_A_SECOND_VERSION, *OF_AN_APPROVAL}
    ]


TRAINING_STATES, DEPLOYMENT_STATES = tasks_of(TRAINING, "Trained"), tasks_of(DEPLOYMENT, "Live")
OF_TRAINING = ["candidates.json", "holdout.csv", "holdout_hashes.bin", "holdout_rule.json", "profile.json"]


def take_turns(pipeline: Pipeline, invoke: Invoke, customers: list[Customer]) -> None:
    """Execute the pipelines of several tenants, a state of one after a state of the other."""
    for _ in zip_longest(*(pipeline(one, invoke) for one in customers)):
        pass


def names(customer: Customer, kind: str) -> list[str]:
    return endpoints.names(customer.client("sagemaker"), kind, f"{customer.tenant.prefix}-")


def keys(client: Any, bucket: str, prefix: str = "") -> list[str]:
    return [row["Key"] for row in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def version_of(run: Run) -> dict[str, Any]:
    return registry.find_version(run.tenant, run.model, run.version) or {}


def kept(run: Run) -> list[str]:
    """The names of what is kept of a run in our own bucket."""
    found = keys(platform("s3"), setting("STAGING_BUCKET"), run.staging_folder)
    return sorted(key.removeprefix(run.staging_folder) for key in found)


def assert_no_grant_and_no_copy_is_left(customer: Customer) -> None:
    table = setting("GRANTS_TABLE")
    assert customer.run.execution not in [
        item["grant_id"]["S"] for item in platform("dynamodb").scan(TableName=table)["Items"]
    ]
    bucket = setting("STAGING_BUCKET")
    left = access_points.names_on(setting("PLATFORM_ACCOUNT"), bucket)
    assert access_point_name(bucket, customer.run.execution) not in left
    assert [key for key in keys(customer.client("s3"), customer.tenant.account.bucket) if "/input/" in key] == []


def assert_published_once(customer: Customer, boundary: Boundary, status: str) -> None:
    published = [
        json.dumps(detail) for detail in boundary.published if detail.get("execution") == customer.run.execution
    ]
    assert len(set(published)) == 1, published
    assert json.loads(published[0])["status"] == status


def assert_the_receipt_is_whole(customer: Customer) -> None:
    tenant, chain = customer.tenant.tenant, customer.run.execution
    found = receipts.read(tenant, chain)
    assert found
    assert found["faults"] == []
    others = [entry for entry in found["entries"] if customer.tenant.account_id not in entry["resource"]]
    assert {entry["resource"].split("/")[0] for entry in others if entry["resource"]} <= {
        f"arn:aws:s3:::{setting('STAGING_BUCKET')}", f"arn:aws:s3:::{customer.tenant.account.bucket}",
    }  # fmt: skip


def assert_it_succeeded(customer: Customer, boundary: Boundary) -> None:
    run, row = customer.run, registry.require_execution(customer.tenant.tenant, customer.run.execution)
    assert (row["status"], row["error"], row["left_behind"]) == ("succeeded", None, [])
    jobs = [job["AutoMLJobName"] for job in customer.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]]
    assert jobs.count(customer.tenant.account.job(run.execution)) == 1
    assert len(jobs) == len(registry.list_versions(run.tenant, run.model, PageRequest(100, None)).rows)
    assert {kind: names(customer, kind) for kind in ("endpoint", "endpoint-config", "model")} == {
        kind: [customer.tenant.account.endpoint(run.model, run.version)]
        for kind in ("endpoint", "endpoint-config", "model")
    }
    assert registry.is_live(run.tenant, run.model, run.version)
    of_version = [f"{run.version}/evaluation.json", f"{run.version}/importance.json"]
    assert kept(run) == [*OF_TRAINING, *of_version]
    verdict = version_of(run)["verdict"]
    assert (verdict["decision"], verdict["refusal"]) == ("promote", None), verdict
    assert_no_grant_and_no_copy_is_left(customer)
    assert_published_once(customer, boundary, "succeeded")
    assert_the_receipt_is_whole(customer)


def test_a_process_may_die_at_any_call(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customers, invoke = [new_customer(), new_customer()], DyingInvoke(boundary)
    take_turns(pipeline, invoke, customers)
    for customer in customers:
        assert_it_succeeded(customer, boundary)
    again = [customer.uploads_again() for customer in customers]
    take_turns(pipeline, invoke, again)  # now there is a version to be retired
    for customer in again:
        assert_it_succeeded(customer, boundary)
    assert set(invoke.deaths) == {*TRAINING_STATES, *DEPLOYMENT_STATES, *OF_A_SECOND_VERSION}
    assert sum(invoke.deaths.values()) > 100  # it has looked


@pytest.mark.explore  # test_blips.py looks at each kind of failure, and test_approvals.py at some of a deployment
@settings(
    max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    delivery=st.sampled_from(DELIVERIES),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    kinds=st.permutations(sorted(BLIPS)),
)
def test_whatever_fails_for_a_while_changes_no_verdict_suspends_nobody_and_deletes_nothing(
    new_customer: Callable[..., Customer],
    pipeline: Pipeline,
    boundary: Boundary,
    monkeypatch: pytest.MonkeyPatch,
    delivery: str,
    lengths: list[int],
    kinds: list[str],
) -> None:
    # I15, for each request of each state. Botocore takes four failures upon itself, the definition's retries the rest.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    customer, invoke = new_customer(delivery=delivery), FailingInvoke(boundary, lengths, kinds)
    take_turns(pipeline, call, [customer])  # so that there is a version to be retired
    again = customer.uploads_again()
    take_turns(pipeline, invoke, [again])
    assert_it_succeeded(again, boundary)
    assert registry.get_tenant(customer.tenant.tenant).status == ACTIVE
    assert sum(invoke.failed.values()) > 80  # it has looked


def test_the_reply_to_any_call_may_be_lost(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customers = [new_customer(delivery=delivery) for delivery in DELIVERIES]
    boundary.loses_replies = True
    take_turns(pipeline, call, customers)
    boundary.loses_replies = False
    for customer in customers:
        assert_it_succeeded(customer, boundary)


@pytest.mark.explore
def test_any_state_may_run_twice(new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary) -> None:
    customers = [new_customer(delivery=delivery) for delivery in DELIVERIES]
    take_turns(pipeline, twice, customers)
    for customer in customers:
        assert_it_succeeded(customer, boundary)


@pytest.fixture
def baking(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> tuple[tuple[Customer, Customer], tuple[Customer, Customer]]:
    """Two tenants, each with a version that answered well, and its next upload."""
    tenants = new_customer(), new_customer()
    take_turns(pipeline, call, [*tenants])
    for first in tenants:
        served(first, failures=0)
    again = [first.uploads_again() for first in tenants]
    return (tenants[0], again[0]), (tenants[1], again[1])


def served(customer: Customer, failures: int) -> None:
    """Note calls of a version's endpoint, as the predict function does."""
    run = customer.run
    key = keys_of_rows.served(run.tenant, run.model, run.version)
    table.add(key, {"requests": 40, "failures": failures}, int(time.time()) + 3600)


def failing_once_live(invoke: Invoke, customer: Customer) -> Invoke:
    """Return calls after which a version that goes live answers nothing."""
    noted = []

    def invoke_and_fail(function: str, payload: Any) -> Any:
        if payload["state"] == "CheckBake" and not noted:
            noted.append(served(customer, failures=40))
        return invoke(function, payload)

    return invoke_and_fail


def assert_it_was_rolled_back(first: Customer, again: Customer, boundary: Boundary) -> None:
    run = again.run
    row = registry.require_execution(run.tenant, run.execution)
    assert (row["status"], row["error"]["code"], row["left_behind"]) == ("failed", "RolledBack", [])
    assert "calls of its endpoint" in row["error"]["message"]
    assert registry.is_live(run.tenant, run.model, first.run.version)
    assert {kind: names(again, kind) for kind in ("endpoint", "endpoint-config", "model")} == {
        kind: [first.tenant.account.endpoint(first.run.model, first.run.version)]
        for kind in ("endpoint", "endpoint-config", "model")
    }
    artefacts = keys(again.client("s3"), again.tenant.account.bucket, f"{run.customer_folder}output/")
    assert [key for key in artefacts if key.endswith("model.tar.gz")], "it can be deployed again"
    assert_published_once(again, boundary, "failed")


def returning_while_it_bakes(invoke: Invoke, run: Run, returned: list[bool]) -> Invoke:
    """Return calls before which, once a version bakes, somebody returns to that of this run."""

    def return_and_invoke(function: str, payload: Any) -> Any:
        if payload["state"] == "CheckBake" and not returned:
            returned.append(registry.return_to(run.tenant, run.model, run.version, "0123456789ab"))
        return invoke(function, payload)

    return return_and_invoke


@pytest.mark.parametrize(
    "how", ["dying", *(pytest.param(how, marks=pytest.mark.explore) for how in ("losing replies", "twice"))]
)
def test_a_version_that_fails_more_is_rolled_back_and_one_that_its_tenant_returns_from_goes_whatever_happens_meanwhile(
    baking: tuple[tuple[Customer, Customer], tuple[Customer, Customer]],
    pipeline: Pipeline,
    boundary: Boundary,
    how: str,
) -> None:
    (first, again), (chosen, left) = baking
    dying, returned = DyingInvoke(boundary), list[bool]()

    def losing_replies(function: str, payload: Any) -> Any:
        boundary.loses_replies = True
        try:
            return call(function, payload)
        finally:
            boundary.loses_replies = False

    faulty: dict[str, Invoke] = {"dying": dying, "twice": twice, "losing replies": losing_replies}
    after_promotion = {"PromoteVersion", "CheckBake", "RetireVersion", "RecordFailure", "RecordDeployment"}
    invoke = only_in(after_promotion, faulty[how])  # what comes before is gone through elsewhere
    failing, returning = failing_once_live(invoke, again), returning_while_it_bakes(invoke, chosen.run, returned)
    for _ in zip_longest(pipeline(again, failing), pipeline(left, returning)):
        pass
    assert_it_was_rolled_back(first, again, boundary)
    assert returned == [True]
    assert registry.is_live(chosen.run.tenant, chosen.run.model, chosen.run.version)
    assert names(left, "endpoint") == [left.tenant.account.endpoint(chosen.run.model, chosen.run.version)]
    row = registry.require_execution(left.run.tenant, left.run.execution)
    assert (row["status"], row["error"]) == ("succeeded", None), "it was live"
    assert how != "dying" or dying.deaths["CheckBake"] > 3  # it has looked


def only_in(states: set[str], invoke: Invoke) -> Invoke:
    """Return calls that are as usual but in these states."""
    return lambda function, payload: (invoke if payload["state"] in states else call)(function, payload)


def assert_it_failed_without_an_endpoint(customer: Customer, boundary: Boundary, code: str = "InternalFailure") -> None:
    run = customer.run
    row = registry.require_execution(run.tenant, run.execution)
    assert (row["status"], row["error"]["code"], row["left_behind"]) == ("failed", code, [])
    assert [names(customer, kind) for kind in ("endpoint", "endpoint-config", "model")] == [[], [], []]
    jobs = customer.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]
    assert {job["AutoMLJobStatus"] for job in jobs} <= {"Completed", "Stopped"}
    assert_no_grant_and_no_copy_is_left(customer)
    assert_published_once(customer, boundary, "failed")


def test_an_account_that_is_closed_ends_its_own_execution_by_name_and_nothing_of_others(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    closed, other = new_customer(account_id=NO_ACCOUNT), new_customer()
    take_turns(pipeline, call, [closed, other])
    row = registry.require_execution(closed.tenant.tenant, closed.run.execution)
    assert (row["status"], row["error"]["code"], row["left_behind"]) == ("failed", "GrantRefused", [])
    assert registry.get_tenant(closed.tenant.tenant).status == ACTIVE
    assert_no_grant_and_no_copy_is_left(closed)
    assert_it_succeeded(other, boundary)
