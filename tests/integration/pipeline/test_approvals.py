"""A version goes live when a person says so, and not otherwise, whoever dies, whatever reply is lost, whatever runs
twice; two tenants take turns, and of what was refused, or decided by nobody, the training stays and no endpoint.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws.sagemaker import endpoints
from tenantml.domain.judging.approval import APPROVE, REFUSE, TIMED_OUT, Decision
from tenantml.domain.names import requested_version_name
from tenantml.domain.training.run import Run
from tenantml.errors import NotAwaitingApproval
from tenantml.services import approvals, deployments, orphans, registry, rescue
from tests.integration.pipeline.conftest import make_machine
from tests.integration.pipeline.faults import BLIPS, DyingInvoke, FailingInvoke, call, twice
from tests.integration.pipeline.machine import DEPLOYMENT, OFFBOARDING, Broken, Died, Machine

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Customer
    from tests.integration.pipeline.faults import Boundary

BEST, LESSER = "WeightedEnsemble-L3-FULL-t1", "LightGBM-L1-FULL-t1"
STATES = {"AwaitApproval", "CheckApproval", "PromoteVersion", "RollBack", "RecordDeployment", "RecordFailure"}
Invoke = Callable[[str, Any], Any]
Deploy = Callable[..., tuple[Run, Iterator[str]]]


@pytest.fixture
def customers(
    new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]
) -> tuple[Customer, Customer]:
    """Two tenants, each with a live version."""
    found = (new_customer(), new_customer())
    for customer in found:
        assert list(pipeline(customer, call))[-1] == "Live"
    return found


@pytest.fixture
def deploy(machine_of: Callable[..., Machine]) -> Deploy:
    """Start to deploy a candidate that a person is asked about; return its run and the states that it goes through.

    `decide(run)` is called while it waits.
    """

    def deploy(
        customer: Customer,
        decide: Callable[[Run], object],
        invoke: Invoke = call,
        candidate: str = LESSER,
        later: int = 1,
        **asked: Any,
    ) -> tuple[Run, Iterator[str]]:
        first = customer.run
        name = requested_version_name(datetime.now(UTC) + timedelta(minutes=later), candidate)
        run = Run(first.execution, first.tenant, first.model, name)
        settings = {"promote": "manual"} | asked
        deployments.start(run, customer.tenant.account, candidate, asked={"settings": settings})
        document = {"run": run.as_document(), "candidate": candidate, "left_behind": []}
        return run, machine_of(customer, invoke, DEPLOYMENT, lambda: decide(run)).execute(document)

    return deploy


def only_where_it_waits(invoke: Invoke) -> Invoke:
    """Return calls that are as usual but in the states around an approval, and in what decides."""
    return lambda function, payload: (invoke if payload.get("state", "") in {"", *STATES} else call)(function, payload)


def deciding(word: str | None, invoke: Invoke) -> Callable[[Run], object]:
    """Return what an operator does, with these calls: approve or refuse, or nothing."""

    def decide(run: Run) -> None:
        assert_the_live_one_answers_meanwhile(run)
        if word:
            document = run.as_document() | {"decision": word, "reason": "a reason"}
            invoke("decide_approval", {name: document[name] for name in document if name != "execution"})

    return decide


def assert_the_live_one_answers_meanwhile(run: Run) -> None:
    assert version_of(run)["status"] == "awaiting approval"
    live = registry.get_model(run.tenant, run.model)["live_version"]
    assert (live != run.version, version_of(run, live)["status"]) == (True, "live")


def version_of(run: Run, version: str = "") -> dict[str, Any]:
    return registry.find_version(run.tenant, run.model, version or run.version) or {}


def endpoints_of(customer: Customer) -> list[str]:
    return endpoints.names(customer.client("sagemaker"), "endpoint", f"{customer.tenant.prefix}-")


def assert_it_came_to(customer: Customer, run: Run, boundary: Boundary, word: str | None) -> None:
    row, code = version_of(run), {APPROVE: None, REFUSE: "ApprovalRefused", None: "ApprovalTimedOut"}[word]
    assert ((row["error"] or {}).get("code"), row["left_behind"]) == (code, [])
    assert (row["approval"]["decision"], row["status"]) == (word or TIMED_OUT, "rolled back" if code else "live")
    answers = customer.run if code else run
    assert registry.is_live(run.tenant, run.model, answers.version)
    assert endpoints_of(customer) == [customer.tenant.account.endpoint(run.model, answers.version)]
    assert registry.find_training(run.tenant, run.model, run.execution), "it can be deployed again"
    published = {json.dumps(detail) for detail in published_of(run, boundary)}
    (wanted,) = {detail for detail in published if "until" in json.loads(detail)}
    (ended,) = published - {wanted}
    assert json.loads(ended)["status"] == ("failed" if code else "succeeded")
    assert "a reason" not in wanted + ended
    assert row["approval_token"] not in wanted + ended


def published_of(run: Run, boundary: Boundary) -> list[dict[str, Any]]:
    return [detail for detail in boundary.published if detail.items() >= run.as_document().items()]


class DyingAttempts:
    """Calls whose process dies at its first call to AWS, then at its second: each is another attempt of its task."""

    def __init__(self, boundary: Boundary) -> None:
        self._boundary, self.deaths = boundary, Counter[str]()

    def __call__(self, function: str, payload: Any) -> Any:
        self._boundary.begin(dies_at=self.deaths[payload["state"]] + 1)
        try:
            return call(function, payload)
        except Died:
            self.deaths[payload["state"]] += 1
            raise
        finally:
            self._boundary.begin()


@pytest.mark.parametrize("words", [(APPROVE, REFUSE), pytest.param((None, APPROVE), marks=pytest.mark.explore)])
@pytest.mark.parametrize(
    "how",
    [
        "dying",
        *(
            pytest.param(how, marks=pytest.mark.explore)
            for how in ("dying attempts", "failing", "losing replies", "twice")
        ),
    ],
)
def test_one_word_counts_whatever_happens_meanwhile(
    customers: tuple[Customer, Customer],
    deploy: Deploy,
    boundary: Boundary,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    words: tuple[str | None, str | None],
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    dying, attempts = DyingInvoke(boundary), DyingAttempts(boundary)
    failing = FailingInvoke(boundary, [1, 6], sorted(BLIPS))
    faulty = {"dying": dying, "dying attempts": attempts, "losing replies": call, "twice": twice, "failing": failing}
    invoke = only_where_it_waits(faulty[how])
    decide = call if how in {"dying attempts", "failing"} else invoke
    boundary.loses_replies = how == "losing replies"
    under_way = [
        deploy(customer, deciding(word, decide), invoke) for customer, word in zip(customers, words, strict=True)
    ]
    for _ in zip_longest(*(states for _, states in under_way)):
        pass
    boundary.loses_replies = False
    for customer, (run, _), word in zip(customers, under_way, words, strict=True):
        assert_it_came_to(customer, run, boundary, word)
    counted = {"dying": dying.deaths, "dying attempts": attempts.deaths, "failing": failing.failed}.get(how)
    if counted is not None:  # it has looked
        assert counted["AwaitApproval"] > 4
        assert counted["CheckApproval"] >= 2
    assert how != "dying" or dying.deaths["decide_approval"] >= 4


def test_what_was_decided_on_the_token_of_an_attempt_that_died_counts(
    customers: tuple[Customer, Customer], deploy: Deploy, boundary: Boundary
) -> None:
    died = []

    def dying_after_the_decision(function: str, payload: Any) -> Any:
        answer = call(function, payload)
        if payload["state"] == "AwaitApproval" and not died:
            died.append(payload["token"])
            approvals.decide(run.tenant, run.model, run.version, Decision(APPROVE), "0123456789ab")
            raise Died
        return answer

    run, states = deploy(customers[0], lambda _: pytest.fail("nobody is asked twice"), dying_after_the_decision)
    assert list(states)[-1] == "Live"
    assert version_of(run)["approval_token"] == died[0]
    assert_it_came_to(customers[0], run, boundary, APPROVE)


def test_who_approved_is_not_asked_again_when_another_version_went_live_meanwhile(
    customers: tuple[Customer, Customer], deploy: Deploy
) -> None:
    customer, asked = customers[0], list[str]()

    def decide(run: Run) -> None:
        asked.append(run.version)
        other, states = deploy(customer, lambda _: None, candidate=BEST, later=2, promote="always")
        list(states)
        assert registry.is_live(run.tenant, run.model, other.version)
        approvals.decide(run.tenant, run.model, run.version, Decision(APPROVE), "0123456789ab")

    run, states = deploy(customer, decide)
    passed = [state for state in states if state in {"EvaluateVersion", "JudgeVersion", "AwaitApproval", "Live"}]
    once = ["EvaluateVersion", "JudgeVersion"]
    assert passed == [*once, "AwaitApproval", *once, "Live"]
    assert asked == [run.version]
    assert registry.is_live(run.tenant, run.model, run.version)


@pytest.mark.parametrize("broken", ["AwaitApproval", "CheckApproval"])
def test_a_state_of_an_approval_that_never_succeeds_leaves_the_live_version(
    customers: tuple[Customer, Customer], deploy: Deploy, broken: str
) -> None:
    def breaking(function: str, payload: Any) -> Any:
        answer = call(function, payload)
        if payload["state"] == broken:
            raise Broken("the answer is lost for ever")
        return answer

    customer = customers[0]
    run, states = deploy(customer, deciding(APPROVE, call), breaking)
    assert list(states)[-1] == "Failed"
    assert version_of(run)["error"]["code"] == "InternalFailure"
    assert registry.is_live(run.tenant, run.model, customer.run.version)
    assert endpoints_of(customer) == [customer.tenant.account.endpoint(run.model, customer.run.version)]
    with pytest.raises(NotAwaitingApproval) if broken == "AwaitApproval" else pytest.raises(Exception, match="already"):
        approvals.decide(run.tenant, run.model, run.version, Decision(REFUSE), "0123456789ab")


def test_a_first_version_waits_too_and_an_undecided_one_where_the_setting_says_so(
    new_customer: Callable[..., Customer], pipeline: Callable[..., Iterator[str]]
) -> None:
    customer = new_customer(undecided="ask")
    run = customer.run

    def decide() -> None:
        assert registry.get_model(run.tenant, run.model).get("live_version") is None
        assert version_of(run)["verdict"]["decision"] == "ask"
        approvals.decide(run.tenant, run.model, run.version, Decision(APPROVE), "0123456789ab")

    assert list(pipeline(customer, call, decide))[-1] == "Live"
    execution = registry.require_execution(run.tenant, run.execution)
    assert (execution["status"], registry.is_live(run.tenant, run.model, run.version)) == ("succeeded", True)


def test_a_sweep_leaves_a_version_that_waits_and_a_stop_ends_it_by_name(
    customers: tuple[Customer, Customer], deploy: Deploy
) -> None:
    customer = customers[0]
    run, states = deploy(customer, lambda _: None)
    assert "JudgeVersion" in states
    approvals.request(run, "never-sent", attempt=1, hours=1)
    both = sorted(customer.tenant.account.endpoint(run.model, name) for name in (customer.run.version, run.version))
    registry.note_probe(customer.tenant.tenant)
    assert rescue.rescue_lost() == []
    assert orphans.remove_orphans(customer.tenant)["removed"] == []
    assert sorted(endpoints_of(customer)) == both
    rescue.rescue_deployment(run, [], "ABORTED")
    assert (version_of(run)["error"]["code"], version_of(run)["status"]) == ("ExecutionStopped", "rolled back")
    assert endpoints_of(customer) == [customer.tenant.account.endpoint(run.model, customer.run.version)]
    with pytest.raises(NotAwaitingApproval):
        approvals.decide(run.tenant, run.model, run.version, Decision(APPROVE), "0123456789ab")


@pytest.mark.parametrize("what", ["tenant", "model"])
def test_a_removal_while_a_version_waits_leaves_nothing_and_ends_it_by_name(
    customers: tuple[Customer, Customer],
    deploy: Deploy,
    boundary: Boundary,
    machine_of: Callable[..., Machine],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    customer, other = customers
    waiting = make_machine(customer.cloud, f"waiting-{what}", {"Type": "Wait", "Seconds": 99_999_999, "End": True})
    monkeypatch.setenv("DEPLOYMENT_STATE_MACHINE", waiting)
    run, states = deploy(customer, lambda _: None)
    assert "JudgeVersion" in states
    approvals.request(run, "never-sent", attempt=1, hours=1)
    removed = {"tenant": run.tenant} | ({"model": run.model} if what == "model" else {})
    assert list(machine_of(customer, call, OFFBOARDING).execute(removed))[-1] == "Removed"
    sagemaker = customer.client("sagemaker")
    assert [endpoints.names(sagemaker, kind, f"{customer.tenant.prefix}-") for kind in endpoints.KINDS] == [[], [], []]
    assert version_of(run) == {}
    (ended,) = [detail for detail in published_of(run, boundary) if "until" not in detail]
    assert ended["error"]["code"] == "ExecutionStopped"
    assert registry.is_live(other.run.tenant, other.run.model, other.run.version)
