"""Two uploads of one model, in any order of their steps: one trains at a time, and the newer is live at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import unbound_client
from tenantml.aws.sagemaker import endpoints
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.services import registry, spending
from tests.integration.pipeline.conftest import CSV
from tests.integration.pipeline.faults import DyingInvoke, call, twice

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

Invoke = Callable[[str, Any], Any]
Pipeline = Callable[..., Iterator[str]]
TOUCHED = {"TakeTurn", "StartTraining", "CheckTraining", "StopTraining", "CleanUpAfterFailure", "PromoteVersion"}


def jobs(customer: Customer, *statuses: str) -> list[str]:
    """The names of the account's jobs in one of these statuses; of any without."""
    rows = customer.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]
    return [row["AutoMLJobName"] for row in rows if not statuses or row["AutoMLJobStatus"] in statuses]


def interleave(older: Iterator[str], newer: Iterator[str], schedule: list[bool]) -> dict[str, list[str]]:
    """Walk both, a state of the newer where the schedule says so, and then in turns; return their states."""
    walks, left = {"older": older, "newer": newer}, {"older": list[str](), "newer": list[str]()}
    for who in ["newer" if step else "older" for step in schedule] + ["older", "newer"] * 400:
        state = next(walks[who], None)
        if state is not None:
            left[who].append(state)
    assert all(next(walk, None) is None for walk in walks.values()), "both are at an end"
    return left


def assert_the_newer_is_live(older: Customer, newer: Customer) -> None:
    run = newer.run
    row = registry.require_execution(run.tenant, run.execution)
    assert (row["status"], row["error"], row["left_behind"]) == ("succeeded", None, [])
    assert registry.is_live(run.tenant, run.model, run.version)
    assert endpoints.names(newer.client("sagemaker"), "endpoint", "tml-") == [
        newer.tenant.account.endpoint(run.model, run.version)
    ]
    assert jobs(newer, "InProgress", "Stopping") == []
    assert_all_is_counted(row, newer)
    row = registry.require_execution(run.tenant, older.run.execution)
    assert row["status"] in {"succeeded", "superseded"}
    assert row["left_behind"] == []
    if row["status"] == "superseded":
        assert row["error"]["code"] == "UploadSuperseded"


def assert_all_is_counted(row: dict[str, Any], customer: Customer) -> None:
    """The training's place is free for what AWS bills, within its quote, and the endpoint that stands is the only one
    that costs.
    """
    run, ledger = customer.run, spending.find_ledger(customer.run.tenant)
    assert ledger.places == {}
    assert row["cost"]["training_seconds"] > 0
    assert 0 < Decimal(row["cost"]["training_usd"]) <= Decimal(row["quote"]["training"]["worst_case_usd"])
    assert list(ledger.endpoints) == [f"{run.model}/{run.version}"]
    assert ledger.spent(datetime.now(UTC))[run.model]["endpoint_seconds"] > 0


@settings(
    max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    schedule=st.lists(st.booleans(), max_size=40),
    newer_upload=st.sampled_from(["stop-older", "queue"]),
    apart_seconds=st.sampled_from([0, 1]),
)
@example(schedule=[False] * 12 + [True] * 6, newer_upload="stop-older", apart_seconds=0)
@example(schedule=[False] * 12 + [True] * 6, newer_upload="queue", apart_seconds=1)
def test_the_newer_of_two_uploads_is_live_at_the_end(
    new_customer: Callable[..., Customer],
    pipeline: Pipeline,
    schedule: list[bool],
    newer_upload: str,
    apart_seconds: int,
) -> None:
    first = new_customer(newer_upload=newer_upload, bake_minutes=1)
    older, newer = sorted((first, first.uploads_again(apart_seconds)), key=lambda customer: customer.upload.order)
    training = set()

    def invoke(function: str, payload: Any) -> Any:
        try:
            return call(function, payload)
        finally:
            training.add(len(jobs(first, "InProgress")))

    interleave(pipeline(older, invoke), pipeline(newer, invoke), schedule)
    assert training <= {0, 1}
    assert_the_newer_is_live(older, newer)


@pytest.mark.parametrize("how", ["dying", "twice"])
def test_whoever_dies_while_a_newer_upload_stops_an_older_one(
    new_customer: Callable[..., Customer], pipeline: Pipeline, boundary: Boundary, how: str
) -> None:
    dying = DyingInvoke(boundary)
    invoke = {"dying": dying, "twice": twice}[how]

    def faulty(function: str, payload: Any) -> Any:
        return (invoke if payload["state"] in TOUCHED else call)(function, payload)

    first = new_customer()
    registry.put_model(
        first.tenant.tenant, "churn", ModelSettings("wait", bake_minutes=0)
    )  # this job never ends itself
    older = first.uploads_again(content=CSV.replace(b"Churn?", b"wait"))
    walk = pipeline(older, faulty)
    while next(walk) != "StartTraining":
        pass
    assert jobs(older, "InProgress") == [older.tenant.account.job(older.run.execution)]
    registry.put_model(first.tenant.tenant, "churn", ModelSettings("Churn?", bake_minutes=0))
    newer, whose = older.uploads_again(), list[str]()

    def look(**_: Any) -> None:
        whose.append((registry.find_turn(newer.run.tenant, newer.run.model) or {})["execution"])

    if how == "twice":
        unbound_client("sagemaker", "us-east-1").meta.events.register("before-send.sagemaker.StopAutoMLJob", look)
    left = interleave(walk, pipeline(newer, faulty), [True] * 5)
    assert how == "dying" or set(whose) == {newer.run.execution}, "the older one knows why its job is stopped"
    assert_the_newer_is_live(older, newer)
    assert left["older"][-1] == "Failed"
    assert jobs(older, "Stopped") == [older.tenant.account.job(older.run.execution)]
    assert registry.require_execution(older.run.tenant, older.run.execution)["status"] == "superseded"
    assert how == "twice" or dying.deaths["TakeTurn"] > 3  # it has looked


def test_an_upload_that_waits_for_an_older_one_spends_nothing_and_an_older_one_that_comes_late_is_not_trained(
    new_customer: Callable[..., Customer], pipeline: Pipeline
) -> None:
    older = new_customer(newer_upload="queue", bake_minutes=0)
    newer = older.uploads_again()
    walks = pipeline(older, call), pipeline(newer, call)
    while next(walks[0]) != "IsInspected":
        pass
    while next(walks[1]) != "WaitForTraining":
        pass
    before = len(jobs(newer))
    assert [next(walks[0]) for _ in range(4)] == ["TakeTurn", "IsItsTurn", "WaitForTurn", "TakeTurn"]
    assert len(jobs(newer)) == before
    list(walks[1])
    assert list(walks[0])[-3:] == ["CleanUpAfterFailure", "RecordFailure", "Failed"]
    assert len(jobs(newer)) == before
    assert_the_newer_is_live(older, newer)
