"""Whoever dies wherever, in whatever order: after the next sweep the bucket's policy is what the ledger says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import from_item, to_item
from tenantml.domain.access.bucket_policy import Grant, is_same_policy, render
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import GrantCapacity, GrantContended, GrantRefused
from tenantml.services import grants
from tests.tenants import account_of

if TYPE_CHECKING:
    from tests.integration.grants.conftest import Boundary

BUCKET = "tenantml-staging"
ACCOUNTS = [account_of("222222222222", "us-east-1"), account_of("333333333333", "us-east-1")]
RUNS = [Run(f"acme-churn-{number:016x}", "acme", "churn", "v20261122-170301-9f3c") for number in range(3)]
DELIVERIES = ["copy", "in-place", "copy"]


def rows() -> list[dict[str, Any]]:
    return [from_item(item) for item in platform("dynamodb").scan(TableName="grants")["Items"]]


def ledger() -> list[Grant]:
    return [Grant.from_document(row) for row in rows() if row["grant_id"] != grants.LOCK]


def policy() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(platform("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    return found


def standing() -> list[dict[str, Any]]:
    return [statement for statement in policy()["Statement"] if statement["Sid"] == "Auditors"]


def give(which: int) -> None:
    run = RUNS[which]
    chosen = ModelSettings("y", delivery=DELIVERIES[which])
    grants.grant(run, ACCOUNTS[which % 2], BUCKET, f"{run.staging_folder}train.csv", chosen)


def take_back(which: int) -> None:
    grants.revoke(RUNS[which].execution)


def sweep(_: int = 0) -> None:
    grants.sweep()


def pass_time(name: str, seconds: int) -> None:
    """Let time pass for what ends by itself: rows that have `name`, by that much."""
    for row in rows():
        if name in row:
            key = {"bucket": row["bucket"], "grant_id": row["grant_id"]}
            platform("dynamodb").put_item(
                TableName="grants", Item=to_item({**row, **key, name: int(row[name]) - seconds})
            )


def wait_for_the_dead() -> None:
    """Let as much time pass as a lock may be held."""
    pass_time("held_until", grants.LOCK_SECONDS + 1)


def dies(operation: Callable[[int], None], which: int, boundary: Boundary, at: int) -> bool:
    """Run an operation in a process that dies at a call; return whether it got that far."""
    from tests.integration.grants.conftest import Died

    boundary.reset(dies_at=at)
    try:
        operation(which)
    except Died:
        return True
    finally:
        boundary.reset()
    return False


def assert_policy_is_ledger() -> None:
    wanted = render(standing(), [grant for grant in ledger() if grant.expires_at > time.time()], BUCKET)
    assert is_same_policy(policy(), wanted)
    assert len(standing()) == 1
    assert grants.LOCK not in [row["grant_id"] for row in rows()]


def assert_only_the_standing_statement_is_left() -> None:
    assert ledger() == []
    assert [statement["Sid"] for statement in policy()["Statement"]] == ["Auditors"]


def give_another(_: int) -> None:
    give(1)


@pytest.mark.parametrize("operation", [give, take_back, sweep])
def test_a_death_at_any_call_is_mended_by_the_next_sweep_and_by_the_repeated_state(
    boundary: Boundary, operation: Callable[[int], None]
) -> None:
    # Before a call is after the one that came before it: only the last has an after of its own, and that is the end.
    give(1)
    number = 1
    while True:
        if operation is give:
            take_back(0)
        else:
            give(0)
        if operation is sweep:
            pass_time("expires_at", 7 * 24 * 3600)
            give(1)
        if not dies(operation, 0, boundary, number):
            break
        wait_for_the_dead()
        sweep()
        assert_policy_is_ledger()
        operation(0)
        assert [grant.grant_id for grant in ledger()] == [
            RUNS[index].execution for index in ([0, 1] if operation is give else [1])
        ]
        number += 1
    assert number > 6  # it has looked
    sweep()
    take_back(0)
    take_back(1)
    assert_only_the_standing_statement_is_left()


@pytest.mark.parametrize("operation", [give, take_back])
def test_a_lost_reply_is_asked_for_again_and_never_blocks(boundary: Boundary, operation: Callable[[int], None]) -> None:
    boundary.reset()
    give(0)
    if operation is give:
        take_back(0)
    boundary.reset()
    operation(0)
    calls = list(boundary.calls)
    writes = [number for number, name in enumerate(calls, 1) if not name.startswith(("Get", "Query"))]
    assert len(writes) >= 4  # lock, row, policy, unlock
    for number in writes:
        (take_back if operation is give else give)(0)
        boundary.reset(loses_reply_of=number)
        operation(0)
        boundary.reset()
        assert_policy_is_ledger()
        assert len(ledger()) == (operation is give)


def test_the_lock_of_the_dead_blocks_others_until_it_ends(boundary: Boundary) -> None:
    assert dies(give, 0, boundary, 2)
    with pytest.raises(GrantContended):
        give(1)
    wait_for_the_dead()
    give(1)
    assert [grant.grant_id for grant in ledger()] == [RUNS[1].execution]
    assert_policy_is_ledger()


def test_a_writer_that_outlived_its_lock_writes_no_more(boundary: Boundary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "LOCK_SECONDS", 0)
    with pytest.raises(GrantContended, match="ended before"):
        give(0)
    assert [statement["Sid"] for statement in policy()["Statement"]] == ["Auditors"]


def test_at_capacity_a_grant_is_refused_by_name_and_those_that_stand_are_not_blocked(boundary: Boundary) -> None:
    for number in range(40):
        row = Grant(
            f"globex-churn-{number:016x}",
            ACCOUNTS[1].roles.training_execution,
            BUCKET,
            f"globex/churn/globex-churn-{number:016x}/train.csv",
            "in-place",
            int(time.time()) + 3600,
        )
        platform("dynamodb").put_item(TableName="grants", Item=to_item(row.as_document()))
        try:
            render(standing(), ledger(), BUCKET)
        except GrantCapacity:
            platform("dynamodb").delete_item(
                TableName="grants", Key=to_item({"bucket": BUCKET, "grant_id": row.grant_id})
            )
            break
    sweep()
    before = ledger()
    assert len(before) > 10
    with pytest.raises(GrantCapacity):
        give(1)
    assert ledger() == before
    assert_policy_is_ledger()
    assert grants.revoke(before[0].grant_id) == 1
    give(1)
    assert_policy_is_ledger()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([give, give, take_back, sweep]),
        st.integers(0, len(RUNS) - 1),
        st.one_of(st.none(), st.integers(1, 10)),
        st.sampled_from(["nothing", "nothing", "the lock ends", "the grants end"]),
    ),
    max_size=6,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_for_any_order_of_grants_revocations_deaths_and_sweeps_the_policy_is_the_ledger_after_the_next_sweep(
    boundary: Boundary, steps: list[tuple[Callable[[int], None], int, int | None, str]]
) -> None:
    for operation, which, death, then in steps:
        with suppress(GrantContended):
            if death:
                dies(operation, which, boundary, death)
            else:
                operation(which)
        if then == "the lock ends":
            wait_for_the_dead()
            sweep()
            assert_policy_is_ledger()
        if then == "the grants end":
            pass_time("expires_at", 7 * 24 * 3600)
    wait_for_the_dead()
    sweep()
    assert_policy_is_ledger()
    for which in range(len(RUNS)):
        take_back(which)
    assert_only_the_standing_statement_is_left()


@pytest.mark.parametrize("number", range(1, 10))
def test_a_writer_that_comes_in_at_any_call_of_another_waits_or_is_complete(boundary: Boundary, number: int) -> None:
    came: list[str] = []

    def come_in(**_: Any) -> None:
        if len(boundary.calls) != number or came:
            return
        came.append("begun")
        with suppress(GrantContended):
            give(1)
            came.append("granted")

    for service in ("dynamodb", "s3"):
        platform(service).meta.events.register(f"response-received.{service}", come_in)
    try:
        boundary.reset()
        give(0)
    finally:
        for service in ("dynamodb", "s3"):
            platform(service).meta.events.unregister(f"response-received.{service}", come_in)
    assert_policy_is_ledger()
    expected = [0, 1] if "granted" in came else [0]
    assert sorted(grant.grant_id for grant in ledger()) == [RUNS[index].execution for index in expected]


def test_a_policy_that_somebody_removed_is_written_again_for_the_grants(boundary: Boundary) -> None:
    give(0)
    platform("s3").delete_bucket_policy(Bucket=BUCKET)
    sweep()
    assert len(policy()["Statement"]) == 1
    take_back(0)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        policy()


def test_a_grant_that_s3_refuses_is_taken_back_at_once_and_those_of_others_stand(boundary: Boundary) -> None:
    give(1)
    before = policy()
    boundary.closed = {ACCOUNTS[0].account_id}
    with pytest.raises(GrantRefused, match=f"account {ACCOUNTS[0].account_id}, which may be closed"):
        give(0)
    assert policy() == before
    assert_policy_is_ledger()
    assert [grant.grant_id for grant in ledger()] == [RUNS[1].execution]


@pytest.mark.parametrize("operation", [give_another, take_back, sweep])
def test_an_account_that_is_closed_while_it_has_a_grant_keeps_no_other_from_theirs(
    boundary: Boundary, operation: Callable[[int], None]
) -> None:
    give(0)  # of the account that will be closed
    give(2)
    if operation is not give_another:
        give(1)
    boundary.closed = {ACCOUNTS[0].account_id}
    if operation is sweep:
        platform("s3").delete_bucket_policy(Bucket=BUCKET)
    operation(1)
    assert [grant.grant_id for grant in ledger()] == [RUNS[1].execution] * (operation is not take_back)
    assert ACCOUNTS[0].account_id not in json.dumps(policy())


def test_standing_statements_that_s3_refuses_are_nobodys_grant(boundary: Boundary) -> None:
    give(1)
    before = policy()
    boundary.closed = {"444444444444"}  # the auditors'
    with pytest.raises(GrantRefused, match="standing statements"):
        give(0)
    assert policy() == before
    assert [grant.grant_id for grant in ledger()] == [RUNS[1].execution]
