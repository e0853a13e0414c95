"""Whichever state never succeeds, although it did what it is for: the execution ends by name, nothing that costs is
left, and nothing that was paid for is lost. Every state with a function is here, or in what a list names.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenantml.aws.clients import platform
from tenantml.domain.names import requested_version_name
from tenantml.domain.training.run import Run
from tenantml.services import deployments, registry
from tenantml.settings import setting
from tests.integration.pipeline.faults import call
from tests.integration.pipeline.machine import DEPLOYMENT, TRAINING, Broken, Machine
from tests.integration.pipeline.test_crashes import (
    OF_AN_APPROVAL,
    OF_TRAINING,
    assert_it_failed_without_an_endpoint,
    assert_it_succeeded,
    kept,
    keys,
    names,
    take_turns,
)
from tests.integration.pipeline.test_sizing import make_artefacts_take

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

Invoke = Callable[[str, Any], Any]
Pipeline = Callable[..., Iterator[str]]
BEST = "WeightedEnsemble-L3-FULL-t1"
BEFORE_CANDIDATES = (
    "AcceptUpload", "InspectDataset", "TakeTurn", "GrantAccess", "DeliverDataset", "RevokeCopyAccess", "StartTraining",
    "CheckTraining", "RevokeTrainingAccess",
)  # fmt: skip
BEFORE_PROMOTION = ("DeployCandidate", "CheckEndpoint", "EvaluateVersion", "JudgeVersion", "EnlargeEndpoint")
AFTER_A_FAILURE = ("StopTraining", "RevokeAccess", "CleanUpAfterFailure", "RecordFailure", "RollBack")
FIRST_VERSION, SECOND_VERSION = (
    ("CleanUp", "ExplainVersion", "PromoteVersion", "RollBack", "RecordFailure"),
    ("CleanUp", "ExplainVersion", "CheckBake", "RetireVersion", "RecordDeployment"),
)
"""What may fail for ever while a version goes live all the same, of a first version and of one that replaces it."""


def breaking(*broken: str) -> Invoke:
    """Return calls of which those of some states never succeed, although they do what they are for."""

    def invoke(function: str, payload: Any) -> Any:
        answer = call(function, payload)
        if payload["state"] in broken:
            raise Broken("the answer is lost for ever")
        return answer

    return invoke


def side_by_side(walks: list[Iterator[str]]) -> None:
    """Walk several machines, a state of one after a state of each other."""
    for _ in itertools.zip_longest(*walks):
        pass


def assert_what_was_paid_for_is_kept(customer: Customer, *of_version: str) -> None:
    # I11: artefacts and leaderboard of a completed job, and the rows to judge it by.
    run = customer.run
    artefacts = keys(customer.client("s3"), customer.tenant.account.bucket, f"{run.customer_folder}output/")
    assert [key for key in artefacts if key.endswith("model.tar.gz")]
    assert [name for name in kept(run) if not name.endswith("evaluation.json")] == sorted([*OF_TRAINING, *of_version])
    assert registry.require_execution(run.tenant, run.execution)["training"]["candidates"]


def test_every_state_with_a_function_fails_in_some_test() -> None:
    failing = {*BEFORE_CANDIDATES, "SelectCandidate", "StartDeployment", *BEFORE_PROMOTION, *OF_AN_APPROVAL}
    failing |= {*AFTER_A_FAILURE, *FIRST_VERSION, *SECOND_VERSION}
    read = [json.loads(Path(machine).read_text())["States"] for machine in (TRAINING, DEPLOYMENT)]
    assert failing == {name for states in read for name, state in states.items() if state["Type"] == "Task"}


def test_nothing_but_the_holdouts_rule_is_left_of_a_training_that_came_to_no_candidate_whichever_state_failed(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    broken = [(name,) for name in BEFORE_CANDIDATES] + [("StartTraining", *AFTER_A_FAILURE)]
    customers = [new_customer(delivery="in-place" if "RevokeTrainingAccess" in names else "copy") for names in broken]
    side_by_side([pipeline(one, breaking(*names)) for one, names in zip(customers, broken, strict=True)])
    for customer, states in zip(customers, broken, strict=True):
        assert_it_failed_without_an_endpoint(customer, boundary)
        assert keys(customer.client("s3"), customer.tenant.account.bucket) == [], states
        rule = f"{customer.run.tenant}/{customer.run.model}/holdout_rule.json"
        left = keys(platform("s3"), setting("STAGING_BUCKET"), f"{customer.run.tenant}/")
        assert left == ([] if states == ("AcceptUpload",) else [rule]), states


def test_what_a_training_cost_outlives_what_fails_after_it(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary, machine_of: Callable[..., Machine]
) -> None:
    choosing, starting, deploying = customers = [new_customer() for _ in range(3)]

    def refusing(function: str, payload: Any) -> Any:
        if payload["state"] == "StartDeployment":
            raise Broken("nothing is started")
        return call(function, payload)

    invokes = [breaking("SelectCandidate"), refusing, breaking(BEFORE_PROMOTION[0])]
    side_by_side([pipeline(one, invoke) for one, invoke in zip(customers, invokes, strict=True)])
    for customer in customers:
        assert_it_failed_without_an_endpoint(customer, boundary)
    assert_what_was_paid_for_is_kept(choosing)
    assert_what_was_paid_for_is_kept(starting)
    now, importance = datetime.now(UTC), [f"{deploying.run.version}/importance.json"]
    assert_what_was_paid_for_is_kept(deploying, *importance)
    for hour, broken in enumerate(BEFORE_PROMOTION[1:]):  # of what is kept, a version each; no training is paid again
        if broken == "EnlargeEndpoint":
            make_artefacts_take(deploying, memory_mb=6000)
        run = deploying.run
        run = Run(run.execution, run.tenant, run.model, requested_version_name(now + timedelta(hours=hour), broken))
        deployments.start(run, deploying.tenant.account, BEST, asked={"settings": {"promote": "always"}})
        document = {"run": run.as_document(), "candidate": BEST, "left_behind": []}
        walked = list(machine_of(deploying, breaking(broken), DEPLOYMENT).execute(document))
        assert [walked[walked.index(broken) + 1], walked[-1]] == ["RollBack", "Failed"]
        row = registry.get_version(run.tenant, run.model, run.version)
        assert (row["error"]["code"], row["left_behind"], row["announced"]) == ("InternalFailure", [], True), broken
        assert [names(deploying, kind) for kind in ("endpoint", "endpoint-config", "model")] == [[], [], []], broken
        importance += [f"{run.version}/importance.json"]
        assert_what_was_paid_for_is_kept(deploying, *importance)


def test_a_version_goes_live_although_what_it_can_do_without_never_succeeds(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary
) -> None:
    customer = new_customer(bake_minutes=1)
    take_turns(pipeline, breaking(*FIRST_VERSION), [customer])
    assert_it_succeeded(customer, boundary)
    again = customer.uploads_again()
    take_turns(pipeline, breaking(*SECOND_VERSION), [again])
    assert_it_succeeded(again, boundary)
