"""The ledger: caps hold, places come back, and every second of an endpoint is counted once, in its month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.pricing.caps import Caps
from tenantml.domain.pricing.ledger import Ledger
from tenantml.domain.pricing.prices import MICROS, Price
from tenantml.domain.pricing.quotes import JobQuote
from tenantml.domain.pricing.spent import month_of
from tenantml.errors import (
    BudgetExceeded,
    InvalidOperation,
    TooManyBatches,
    TooManyTrainings,
    TrainingsPerDayExceeded,
    UploadError,
)

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
DOLLAR = MICROS
NONE = Caps()


def admitted(ledger: Ledger, execution: str, model: str = "churn", worst: int | None = DOLLAR, **caps: int) -> Ledger:
    return ledger.admit(execution, model, at_worst(worst), Caps(**caps), NONE, NOON)


def at_worst(micros: int | None) -> JobQuote:
    """A training of an hour that costs so much at worst."""
    price = None if micros is None else Price("us-east-1", "ml.m5.large", "training", micros, "2026-11-28", "made up")
    return JobQuote("ml.m5.large", 1, 3600, "", price)


def test_a_day_has_so_many_trainings_of_a_tenant_and_of_a_model_and_the_next_as_many_again() -> None:
    ledger = admitted(Ledger(), "e1", trainings_per_day=1)
    with pytest.raises(TrainingsPerDayExceeded, match="kept"):
        admitted(ledger, "e2", "other", trainings_per_day=1)
    with pytest.raises(TrainingsPerDayExceeded, match="model churn"):
        ledger.admit("e2", "churn", at_worst(1), NONE, Caps(trainings_per_day=1), NOON)
    ledger.admit("e2", "other", at_worst(1), NONE, Caps(trainings_per_day=1), NOON)
    ledger.admit("e2", "churn", at_worst(1), Caps(trainings_per_day=1), NONE, NOON + timedelta(hours=12))


def test_models_are_trained_at_once_up_to_the_cap_and_uploads_of_one_model_wait_for_each_other() -> None:
    ledger = admitted(Ledger(), "e1", max_concurrent_trainings=1)
    again = admitted(ledger, "e2", max_concurrent_trainings=1)
    with pytest.raises(TooManyTrainings, match="kept"):
        admitted(again, "e3", "other", max_concurrent_trainings=1)
    over = again.settle("e1", NOON, begun=True).settle("e2", NOON, begun=True)
    assert "e3" in admitted(over, "e3", "other", max_concurrent_trainings=1).places
    with pytest.raises(TooManyTrainings):
        admitted(Ledger(), "e1", max_concurrent_trainings=0)


def test_a_budget_counts_what_is_spent_and_what_running_trainings_may_cost() -> None:
    ledger = admitted(Ledger(), "e1", worst=6 * DOLLAR, monthly_budget_usd=10)
    with pytest.raises(BudgetExceeded, match=r"6\.000000 are spent or taken"):
        admitted(ledger, "e2", worst=5 * DOLLAR, monthly_budget_usd=10)
    cheap = ledger.settle("e1", NOON, begun=True, cost=(3600, 2 * DOLLAR))
    assert cheap.committed_micros(NOON) == 2 * DOLLAR
    assert "e2" in admitted(cheap, "e2", worst=5 * DOLLAR, monthly_budget_usd=10).places
    december = NOON + timedelta(days=7)
    assert cheap.committed_micros(december) == 0, "a month begins with nothing spent"


def test_a_budget_of_0_refuses_everything_and_an_unknown_price_fits_into_no_budget() -> None:
    for worst in (0, 1, None):
        with pytest.raises(BudgetExceeded):
            admitted(Ledger(), "e1", worst=worst, monthly_budget_usd=0)
    with pytest.raises(BudgetExceeded, match=r"at worst is unknown.* the operator adds it to Prices"):
        admitted(Ledger(), "e1", worst=None, monthly_budget_usd=10**6)
    assert "e1" in admitted(Ledger(), "e1", worst=None).places
    standing = Ledger().open_endpoint("churn", "v1", NOON - timedelta(hours=1), None, serverless=False)
    with pytest.raises(BudgetExceeded, match=r"this month costs is unknown.* deployed anew"):
        admitted(standing, "e1", monthly_budget_usd=10**6)


def test_batches_have_places_of_their_own_which_budgets_count_and_trainings_caps_do_not() -> None:
    def batch(ledger: Ledger, execution: str, model: str = "churn", most: int = 2, **caps: int) -> Ledger:
        return ledger.admit_batch(execution, model, at_worst(4 * DOLLAR), most, Caps(**caps), NONE, NOON)

    two = batch(batch(Ledger(), "b1"), "b2")
    assert batch(two, "b2", most=1) == two, "one that has a place keeps it"
    with pytest.raises(TooManyBatches, match="2 batches at once"):
        batch(two, "b3")
    assert "b3" in batch(two, "b3", "other").places
    assert "e1" in admitted(two, "e1", max_concurrent_trainings=1, trainings_per_day=1).places
    with pytest.raises(BudgetExceeded, match=r"8\.000000 are spent or taken"):
        admitted(two, "e1", worst=3 * DOLLAR, monthly_budget_usd=10)
    with pytest.raises(BudgetExceeded):
        batch(Ledger(), "b1", monthly_budget_usd=0)
    over = two.settle("b1", NOON, begun=True, cost=(60, 5)).settle("b2", NOON, begun=False)
    assert (over.places, over.trainings) == ({}, {})
    assert (over.spent(NOON)["churn"]["batch_seconds"], over.committed_micros(NOON)) == (60, 5)
    shown = over.report(NONE, NOON)
    assert (shown["batch"], shown["batches_running"]) == ({"usd": "0.000005", "seconds": 60}, 0)
    assert two.report(NONE, NOON)["batches_running"] == 2


def test_a_models_budget_is_its_own() -> None:
    ledger = admitted(Ledger(), "e1", "other", worst=100 * DOLLAR)
    ledger.admit("e2", "churn", at_worst(DOLLAR), NONE, Caps(monthly_budget_usd=1), NOON)
    with pytest.raises(BudgetExceeded, match="model other"):
        ledger.admit("e2", "other", at_worst(DOLLAR), NONE, Caps(monthly_budget_usd=100), NOON)


def test_a_place_is_taken_once_and_given_back_once() -> None:
    ledger = admitted(Ledger(), "e1", trainings_per_day=1)
    assert admitted(ledger, "e1", trainings_per_day=1) == ledger
    never_begun = ledger.settle("e1", NOON, begun=False)
    assert (never_begun.places, never_begun.trainings, never_begun.months) == ({}, {"churn": 0}, {})
    over = ledger.settle("e1", NOON, begun=True, cost=(60, 5))
    assert over.settle("e1", NOON, begun=True, cost=(60, 5)) == over.settle("e1", NOON, begun=False) == over
    assert over.spent(NOON)["churn"] == {
        "training_seconds": 60, "training_micros": 5, "unpriced": 0, "unmeasured": 0,
    }  # fmt: skip


def test_what_could_not_be_measured_counts_at_its_worst_case() -> None:
    spent = admitted(Ledger(), "e1").settle("e1", NOON, begun=True).spent(NOON)["churn"]
    assert (spent["training_micros"], spent["unmeasured"]) == (DOLLAR, 1)
    stopped = admitted(Ledger(), "e1").settle("e1", NOON + timedelta(minutes=6), begun=True, is_over=True)
    assert stopped.spent(NOON)["churn"]["training_micros"] == DOLLAR // 10, "a job that is over cannot cost more"
    late = admitted(Ledger(), "e1").settle("e1", NOON + timedelta(days=2), begun=True, is_over=True)
    assert late.spent(NOON)["churn"]["training_micros"] == DOLLAR
    unknown = admitted(Ledger(), "e1", worst=None).settle("e1", NOON, begun=True)
    assert unknown.committed_micros(NOON) is None


def test_an_endpoint_that_scales_counts_at_its_most_and_says_so() -> None:
    ledger = Ledger().open_endpoint("churn", "v1", NOON, 3 * DOLLAR, scaled=True)
    found = ledger.report(NONE, NOON + timedelta(hours=1))
    assert (found["endpoint"]["usd"], found["committed_usd"]) == ("3.000000", "3.000000")
    assert "always had their most instances" in found["reason"]


def test_an_endpoint_costs_while_it_stands_and_moves_to_another_price() -> None:
    ledger = Ledger().open_endpoint("churn", "v1", NOON, 2 * DOLLAR, serverless=False)
    later = NOON + timedelta(hours=1)
    assert ledger.open_endpoint("churn", "v1", later, 2 * DOLLAR, serverless=False) == ledger, "a repeat"
    assert ledger.spent(later)["churn"]["endpoint_micros"] == 2 * DOLLAR
    larger = ledger.open_endpoint("churn", "v1", later, 4 * DOLLAR, serverless=False)
    both = larger.open_endpoint("churn", "v2", later, DOLLAR, serverless=False)
    other = both.open_endpoint("churn-2", "v1", later, DOLLAR, serverless=False)
    gone = other.close_endpoint("churn", None, later + timedelta(hours=1))
    assert list(gone.endpoints) == ["churn-2/v1"]
    assert gone.spent(later)["churn"]["endpoint_micros"] == (2 + 4 + 1) * DOLLAR


def test_a_pause_saves_what_the_endpoint_cost_from_its_removal_until_another_one_stands() -> None:
    stands = Ledger().open_endpoint("churn", "v1", NOON, 2 * DOLLAR, serverless=False)
    later, evening = NOON + timedelta(hours=1), NOON + timedelta(hours=4)
    paused = stands.close_endpoint("churn", "v1", later, is_paused=True)
    assert paused.close_endpoint("churn", "v1", evening, is_paused=True) == paused, "a repeat"
    shown = paused.report(NONE, evening)
    assert (shown["saved"], shown["endpoint"]["usd"]) == ({"usd": "6.000000", "seconds": 3 * 3600}, "2.000000")
    assert shown["committed_usd"] == "2.000000", "what is saved is not spent"
    resumed = paused.open_endpoint("churn", "v2", evening, 2 * DOLLAR, serverless=False)
    assert resumed.report(NONE, evening + timedelta(hours=1))["saved"]["usd"] == "6.000000"
    again = resumed.close_endpoint("churn", "v2", evening, is_paused=True)
    assert again.report(NONE, evening + timedelta(hours=1))["saved"]["usd"] == "8.000000"
    gone = again.close_endpoint("churn", None, evening + timedelta(hours=1))
    assert (gone.pauses, gone.report(NONE, NOON + timedelta(days=1))["saved"]["usd"]) == ({}, "8.000000")


def test_what_is_retired_otherwise_or_is_serverless_or_is_not_the_last_saves_nothing_and_no_price_is_unknown() -> None:
    stands = Ledger().open_endpoint("churn", "v1", NOON, DOLLAR, serverless=False)
    assert stands.close_endpoint("churn", "v1", NOON).pauses == {}
    serverless = Ledger().open_endpoint("churn", "v1", NOON, None, serverless=True)
    assert serverless.close_endpoint("churn", "v1", NOON, is_paused=True).pauses == {}
    two = stands.open_endpoint("churn", "v2", NOON, DOLLAR, serverless=False)
    assert two.close_endpoint("churn", "v1", NOON, is_paused=True).pauses == {}
    unpriced = Ledger().open_endpoint("churn", "v1", NOON, None, serverless=False)
    shown = unpriced.close_endpoint("churn", "v1", NOON, is_paused=True).report(NONE, NOON + timedelta(hours=1))
    assert (shown["saved"], shown["training"]["usd"]) == ({"usd": None, "seconds": 3600}, "0.000000")
    assert "pause" in shown["reason"]


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - the zone is added
    st.timedeltas(timedelta(0), timedelta(days=100)),
    st.integers(0, 10**8),
)
def test_every_second_of_an_endpoint_is_in_one_month(since: datetime, stood: timedelta, price: int) -> None:
    since = since.replace(tzinfo=UTC)
    closed = (
        Ledger()
        .open_endpoint("churn", "v1", since, price, serverless=False)
        .close_endpoint("churn", "v1", since + stood)
    )
    rows = {month: row["churn"] for month, row in closed.months.items()}
    seconds = sum(row["endpoint_seconds"] for row in rows.values())
    assert 0 <= seconds - stood.total_seconds() < 1 + len(rows)
    assert sum(row["endpoint_micros"] for row in rows.values()) * 3600 >= price * seconds
    assert not rows or min(rows) == month_of(since)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5 * DOLLAR), st.booleans()), max_size=12))
def test_whatever_comes_no_cap_is_ever_passed(uploads: list[tuple[str, int, bool]]) -> None:
    caps = Caps(trainings_per_day=5, max_concurrent_trainings=2, monthly_budget_usd=10)
    ledger = Ledger()
    for number, (model, worst, ends) in enumerate(uploads):
        try:
            ledger = ledger.admit(str(number), model, at_worst(worst), caps, NONE, NOON)
        except UploadError:
            continue
        if ends:
            ledger = ledger.settle(str(number), NOON, begun=True, cost=(1, worst // 2))
        assert (ledger.committed_micros(NOON) or 0) <= 10 * DOLLAR
        assert sum(ledger.trainings.values()) <= 5
        assert len({place["model"] for place in ledger.places.values()}) <= 2


@pytest.mark.parametrize("wrong", [-1, 10**9 + 1, True, 1.5, "2"])
def test_a_cap_is_a_whole_number(wrong: object) -> None:
    for name in Caps.__dataclass_fields__:
        with pytest.raises(InvalidOperation, match=name):
            Caps.from_document({name: wrong})
