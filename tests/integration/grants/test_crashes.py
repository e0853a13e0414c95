"""Whoever dies wherever, in whatever order: no access point outlives its row, and none allows what its row does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import from_item, to_item
from tenantml.aws.error_codes import absence
from tenantml.domain.access.grant import Grant, access_point_name
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import GrantCapacity, GrantRefused
from tenantml.services import grants
from tests.tenants import account_of

if TYPE_CHECKING:
    from tests.integration.grants.conftest import Boundary

BUCKET, SAAS = "tenantml-staging", "123456789012"
ACCOUNTS = [account_of("222222222222", "us-east-1"), account_of("333333333333", "us-east-1")]
RUNS = [Run(f"acme-churn-{number:016x}", "acme", "churn", "v20261122-170301-9f3c") for number in range(3)]
DELIVERIES = ["copy", "in-place", "copy"]
AUDITORS = "auditors"  # an access point of somebody else


def rows() -> list[dict[str, Any]]:
    return [from_item(item) for item in platform("dynamodb").scan(TableName="grants")["Items"]]


def ledger() -> list[Grant]:
    return sorted(Grant.from_document(row) for row in rows())


def points() -> dict[str, str]:
    """The policy of each access point on the bucket, by its name; empty where it has none."""
    control, found = platform("s3control"), {}
    for row in control.list_access_points(AccountId=SAAS, Bucket=BUCKET)["AccessPointList"]:
        found[row["Name"]] = ""
        with absence({"NoSuchAccessPointPolicy"}):
            found[row["Name"]] = control.get_access_point_policy(AccountId=SAAS, Name=row["Name"])["Policy"]
    return found


def policy_of(grant: Grant) -> str:
    name = access_point_name(BUCKET, grant.grant_id)
    return grant.policy(platform("s3control").get_access_point(AccountId=SAAS, Name=name)["AccessPointArn"])


def give(which: int) -> None:
    run = RUNS[which]
    chosen = ModelSettings("y", delivery=DELIVERIES[which])
    grants.grant(run, ACCOUNTS[which % 2], BUCKET, f"{run.staging_folder}train.csv", chosen)


def take_back(which: int) -> None:
    grants.revoke(RUNS[which].execution)


def sweep(_: int = 0) -> None:
    grants.sweep()


def let_the_grants_end() -> None:
    for row in rows():
        item = to_item({**row, "expires_at": int(row["expires_at"]) - 7 * 24 * 3600})
        platform("dynamodb").put_item(TableName="grants", Item=item)


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


def assert_nothing_is_open_beyond_the_ledger() -> None:
    """Each access point of ours is a live grant's, and allows what that says or nothing yet; nobody else's changed."""
    found = points()
    assert found.pop(AUDITORS) == ""
    live = {access_point_name(BUCKET, one.grant_id): one for one in ledger() if one.expires_at > time.time()}
    assert found.keys() <= live.keys()
    for name, policy in found.items():
        assert policy in ("", policy_of(live[name]))
    standing = json.loads(platform("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in standing] == ["Auditors"]


def assert_the_grants_stand(*which: int) -> None:
    assert_nothing_is_open_beyond_the_ledger()
    assert [one.grant_id for one in ledger()] == [RUNS[index].execution for index in which]
    assert sorted(points().values()) == sorted(["", *map(policy_of, ledger())])


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
            let_the_grants_end()
            give(1)
        if not dies(operation, 0, boundary, number):
            break
        sweep()
        assert_nothing_is_open_beyond_the_ledger()
        operation(0)
        assert_the_grants_stand(*([0, 1] if operation is give else [1]))
        number += 1
    assert number > 2  # it has looked
    take_back(0)
    take_back(1)
    assert_the_grants_stand()


@pytest.mark.parametrize("operation", [give, take_back])
def test_a_lost_reply_is_asked_for_again_and_never_blocks(boundary: Boundary, operation: Callable[[int], None]) -> None:
    other = take_back if operation is give else give
    other(0)
    boundary.reset()
    operation(0)
    calls = list(boundary.calls)
    assert len(calls) == (3 if operation is give else 2)
    for number in range(1, len(calls) + 1):
        other(0)
        boundary.reset(loses_reply_of=number)
        operation(0)
        boundary.reset()
        assert_the_grants_stand(*([0] if operation is give else []))


def test_a_grant_of_another_execution_is_never_touched_by_a_call(boundary: Boundary) -> None:
    give(1)
    before, control = points(), platform("s3control").meta.events
    asked: list[str] = []
    control.register("before-send.s3-control", lambda request, **_: asked.append(request.url))
    give(0)
    take_back(0)
    assert points() == before
    mine, theirs = (access_point_name(BUCKET, RUNS[which].execution) for which in (0, 1))
    assert len([url for url in asked if mine in url]) == 3  # made, written, removed
    assert not [url for url in asked[:3] if theirs in url]


def test_at_capacity_a_grant_is_refused_by_name_and_those_that_stand_are_not_touched(boundary: Boundary) -> None:
    give(1)
    before = points()
    boundary.is_full = True
    with pytest.raises(GrantCapacity, match="as many access points as it may have"):
        give(0)
    assert points() == before
    boundary.is_full = False
    give(0)
    assert_the_grants_stand(0, 1)


def test_an_access_point_that_s3_does_not_know_yet_is_found_by_the_repeated_state(boundary: Boundary) -> None:
    """Its making is not at once: public reports tell of `NoSuchAccessPoint` for some seconds."""
    control, lost = platform("s3control"), [1]

    def not_yet(params: dict[str, Any], **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        if not lost:
            return None
        lost.clear()
        error = {"Code": "NoSuchAccessPoint", "Message": "The specified accesspoint does not exist"}
        return AWSResponse(params["url"], 404, {}, None), {"Error": error}

    from tenantml.errors import PlatformUnavailable

    control.meta.events.register_first("before-call.s3-control.PutAccessPointPolicy", not_yet)
    try:
        with pytest.raises(PlatformUnavailable, match="does not take the policy"):
            give(0)
        give(0)
    finally:
        control.meta.events.unregister("before-call.s3-control.PutAccessPointPolicy", not_yet)
    assert_the_grants_stand(0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([give, give, take_back, sweep]),
        st.integers(0, len(RUNS) - 1),
        st.one_of(st.none(), st.integers(1, 6)),
        st.sampled_from(["nothing", "nothing", "a sweep", "the grants end"]),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_for_any_order_of_grants_revocations_deaths_and_sweeps_nothing_is_open_beyond_the_ledger_after_a_sweep(
    boundary: Boundary, steps: list[tuple[Callable[[int], None], int, int | None, str]]
) -> None:
    for operation, which, death, then in steps:
        if death:
            dies(operation, which, boundary, death)
        else:
            operation(which)
        if then == "a sweep":
            sweep()
            assert_nothing_is_open_beyond_the_ledger()
        if then == "the grants end":
            let_the_grants_end()
    sweep()
    assert_nothing_is_open_beyond_the_ledger()
    for which in range(len(RUNS)):
        give(which)
    assert_the_grants_stand(0, 1, 2)
    for which in range(len(RUNS)):
        take_back(which)
    assert_the_grants_stand()


@pytest.mark.parametrize("come_in_with", [give, sweep])
@pytest.mark.parametrize("number", range(1, 4))
def test_whoever_comes_in_at_any_call_of_a_grant_is_complete_and_so_is_the_grant(
    boundary: Boundary, come_in_with: Callable[[int], None], number: int
) -> None:
    came: list[str] = []

    def come_in(**_: Any) -> None:
        if len(boundary.calls) == number and not came:
            came.append("in")
            come_in_with(1)

    events = (("dynamodb", "dynamodb"), ("s3control", "s3-control"))
    for service, event in events:
        platform(service).meta.events.register(f"response-received.{event}", come_in)
    try:
        boundary.reset()
        give(0)
    finally:
        for service, event in events:
            platform(service).meta.events.unregister(f"response-received.{event}", come_in)
    assert came == ["in"]
    assert_the_grants_stand(*([0, 1] if come_in_with is give else [0]))


def test_an_access_point_whose_row_is_gone_is_removed_by_the_sweep(boundary: Boundary) -> None:
    give(0)
    give(1)
    platform("dynamodb").delete_item(TableName="grants", Key=to_item({"bucket": BUCKET, "grant_id": RUNS[0].execution}))
    sweep()
    assert_the_grants_stand(1)


def test_a_grant_that_s3_refuses_is_taken_back_at_once_and_those_of_others_stand(boundary: Boundary) -> None:
    give(1)
    boundary.closed = {ACCOUNTS[0].account_id}
    with pytest.raises(GrantRefused, match=f"account {ACCOUNTS[0].account_id}, which may be closed"):
        give(0)
    assert_the_grants_stand(1)


@pytest.mark.parametrize("operation", [give, take_back, sweep])
def test_an_account_that_is_closed_while_it_has_a_grant_keeps_no_other_from_theirs(
    boundary: Boundary, operation: Callable[[int], None]
) -> None:
    give(0)  # of the account that will be closed
    give(1)
    boundary.closed = {ACCOUNTS[0].account_id}
    operation(1)
    assert_the_grants_stand(*([0] if operation is take_back else [0, 1]))


def test_what_earlier_releases_left_in_the_ledger_ends_as_any_grant(boundary: Boundary) -> None:
    """Their grants stood in the bucket's policy, and had a lock beside them."""
    give(1)
    old = Grant("acme-churn-old", ACCOUNTS[0].roles.training_access, BUCKET, "acme/churn/old/train.csv", "copy", 1)
    for row in (old.as_document(), {"bucket": BUCKET, "grant_id": grants.LOCK, "owner": "x", "held_until": 1}):
        platform("dynamodb").put_item(TableName="grants", Item=to_item(row))
    assert [one.grant_id for one in grants.standing()] == [RUNS[1].execution, "acme-churn-old"]
    assert grants.sweep() == ["acme-churn-old"]
    assert [one.grant_id for one in grants.standing()] == [RUNS[1].execution]
