"""Prices and quotes: whole micro-dollars, dated, never 0 for what is unknown, and never below what is used."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from samtranslator.yaml_helper import yaml_parse

from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing import quotes
from tenantml.domain.pricing.prices import Price, usd
from tenantml.domain.training import endpoint_plan
from tenantml.domain.training.endpoint_plan import LADDER, EndpointPlan
from tenantml.domain.training.endpoint_rules import ENDPOINTS, SERVERLESS_MEMORY_MB
from tenantml.domain.training.instance_types import INSTANCE_TYPES
from tenantml.domain.training.model_settings import GIB, ModelSettings
from tenantml.errors import InvalidSettings, ServerlessNotPossible
from tests.tenants import account_of

TODAY = date(2026, 11, 28)
TABLE = pricing.table()
SETTINGS = ModelSettings("y")
LIMITS = {"max_candidates": st.integers(1, 750), "max_runtime_seconds": st.integers(900, 30 * 24 * 3600)}


def test_every_price_has_a_date_that_has_come_and_a_source() -> None:
    assert len(TABLE) > 20
    for price in TABLE.values():
        assert date(2024, 1, 1) <= date.fromisoformat(price.date) <= TODAY, price
        assert price.source
        assert price.micros_per_hour > 0


def test_every_type_that_we_choose_ourselves_has_a_price_in_every_region_of_the_table() -> None:
    for region in {price.region for price in TABLE.values()}:
        for rung in LADDER:
            for use in (pricing.HOSTING, pricing.TRANSFORM):
                assert pricing.find(TABLE, region, rung.instance_type, use), (region, rung, use)
        for memory_mb in SERVERLESS_MEMORY_MB:
            assert pricing.find(TABLE, region, str(memory_mb), pricing.SERVERLESS), (region, memory_mb)
        assert pricing.find(TABLE, region, quotes.TRAINING_TYPE, pricing.TRAINING), region


def test_a_quote_names_what_it_is_made_of() -> None:
    found = quotes.quote(SETTINGS, account_of(), TABLE, TODAY)
    assert found["training"] == {
        "worst_case_usd": "64.516667",  # 10 instances for 8,400 s at 2.765 an hour
        "reason": None,
        "instance_type": "ml.m5.12xlarge",
        "instances": 10,
        "seconds": 3600 + 3600 + 1200,
        "seconds_from": "the model's max_runtime_seconds (3,600), 3,600 in which Autopilot ends by itself, and 1,200 "
        "until we look again",
    }
    assert found["batch"] == {
        "worst_case_usd": "134.563334",  # a day and 20 minutes at 5.53 an hour: the artefacts may need that type
        "reason": None,
        "instance_type": "ml.m5.24xlarge",
        "instances": 1,
        "seconds": 24 * 3600 + 1200,
        "seconds_from": "a day (86,400), after which its job is stopped, and 1,200 until we look again",
    }
    assert found["endpoint"]["usd_per_hour"] == "0.461000"
    assert found["endpoint"]["worst_case_usd_per_hour"] == "5.530000"
    assert found["endpoint"]["worst_case_usd_per_month"] == "4114.320000"
    assert (found["prices"]["oldest"], found["prices"]["age_days"]) == ("2024-01-01", 1062)
    assert "AWS would ask" in found["note"]


def test_the_endpoint_of_the_settings_is_the_only_one() -> None:
    named = quotes.quote(replace(SETTINGS, instance_type="ml.m5.xlarge", instance_count=3), account_of(), TABLE, TODAY)
    assert named["endpoint"]["usd_per_hour"] == named["endpoint"]["worst_case_usd_per_hour"] == "0.690000"
    scaled = quotes.quote(
        replace(SETTINGS, instance_type="ml.m5.xlarge", instance_count=2, max_instances=5), account_of(), TABLE, TODAY
    )["endpoint"]
    assert (scaled["usd_per_hour"], scaled["worst_case_usd_per_hour"]) == ("0.460000", "1.150000")
    assert (scaled["count"], scaled["max_count"]) == (2, 5)
    serverless = quotes.quote(replace(SETTINGS, serverless_memory_mb=4096), account_of(), TABLE, TODAY)
    assert serverless["endpoint"]["worst_case_usd_per_hour"] == "1.440000"  # 5 requests at once, all the time
    by_size = quotes.quote(replace(SETTINGS, endpoint="serverless"), account_of(), TABLE, TODAY)["endpoint"]
    assert (by_size["serverless_memory_mb"], by_size["instance_types"]) == (4096, [])
    assert (by_size["usd_per_hour"], by_size["worst_case_usd_per_hour"]) == ("1.440000", "2.160000")


def test_a_batch_is_quoted_by_the_version_that_predicts_it_and_else_by_what_any_version_may_need() -> None:
    def types(settings: ModelSettings, plan: dict[str, Any] | None = None, *allowed: str) -> list[str]:
        return quotes.batch_types(settings, plan, replace(account_of(), instance_types=allowed))

    assert types(SETTINGS, {"instance_type": "ml.m5.xlarge"}) == ["ml.m5.xlarge"]
    assert types(SETTINGS, {"instance_type": None}, "ml.c5.xlarge") == ["ml.c5.xlarge"], "of a serverless one"
    assert types(replace(SETTINGS, instance_type="ml.c5.large")) == ["ml.c5.large"]
    assert types(replace(SETTINGS, serverless_memory_mb=4096)) == [LADDER[0].instance_type]
    assert set(types(SETTINGS)) == {rung.instance_type for rung in LADDER}
    unknown = quotes.batch(["ml.m5.24xlarge", "ml.g5.xlarge", "ml.m5.large"], "us-east-1", TABLE)
    assert (unknown.instance_type, unknown.worst_micros) == ("ml.g5.xlarge", None), "one unknown makes all unknown"


def test_an_endpoint_that_stands_only_while_a_version_is_judged_has_no_price_of_a_month() -> None:
    found = quotes.quote(replace(SETTINGS, endpoint="none", instance_count=3), account_of(), TABLE, TODAY)["endpoint"]
    assert (found["usd_per_hour"], found["worst_case_usd_per_month"]) == ("0.461000", None)
    assert "only while a version is judged" in found["reason"]


def test_a_serverless_endpoint_whose_memory_is_chosen_later_is_quoted_at_the_most() -> None:
    found = quotes.quote(replace(SETTINGS, endpoint="serverless"), account_of(), TABLE, TODAY)["endpoint"]
    assert (found["usd_per_hour"], found["worst_case_usd_per_hour"]) == ("1.440000", "2.160000")


@pytest.mark.parametrize(
    ("settings", "region", "unknown"),
    [
        (SETTINGS, "eu-central-1", {"training", "endpoint"}),
        (replace(SETTINGS, instance_type="ml.g5.xlarge"), "us-east-1", {"endpoint"}),
        (replace(SETTINGS, serverless_memory_mb=4096), "eu-central-1", {"training", "endpoint"}),
    ],
)
def test_what_has_no_price_is_unknown_with_a_reason_and_not_free(
    settings: ModelSettings, region: str, unknown: set[str]
) -> None:
    found = quotes.quote(settings, account_of(region=region), TABLE, TODAY)
    assert (found["batch"]["worst_case_usd"] is None) is (region != "us-east-1" or settings.instance_type is not None)
    for part, figures in (("training", ["worst_case_usd"]), ("endpoint", ["usd_per_hour", "worst_case_usd_per_month"])):
        for figure in figures:
            assert (found[part][figure] is None) is (part in unknown), (part, figure)
        assert ("unknown" in (found[part]["reason"] or "")) is (part in unknown)


@given(st.fixed_dictionaries(LIMITS), st.fixed_dictionaries(LIMITS))
def test_a_training_that_may_do_more_never_costs_less_at_worst(one: dict[str, Any], other: dict[str, Any]) -> None:
    less: dict[str, Any] = {name: min(one[name], other[name]) for name in one}
    first, second = (quotes.training(replace(SETTINGS, **limits), "us-east-1", TABLE) for limits in (less, one))
    assert 0 < (first.worst_micros or 0) <= (second.worst_micros or 0)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(sorted(TABLE.values(), key=str)))
def test_more_seconds_never_cost_less_and_a_second_is_never_free(one: int, more: int, price: Price) -> None:
    assert price.cost_micros(one) <= price.cost_micros(one + more)
    assert price.cost_micros(one) * 3600 >= price.micros_per_hour * one > price.cost_micros(one) * 3600 - 3600


def test_the_operators_prices_replace_those_of_the_repository_and_add_to_them() -> None:
    replaced = "us-east-1,ml.m5.xlarge,hosting,0.2,2026-11-01,contract; eu-west-1,ml.m5.xlarge,hosting,0.3,2026-11-01,x"
    found = pricing.table(replaced)
    assert found["us-east-1", "ml.m5.xlarge", "hosting"].micros_per_hour == 200_000
    assert found["eu-west-1", "ml.m5.xlarge", "hosting"].micros_per_hour == 300_000
    assert len(found) == len(TABLE) + 1


@hypothesis.settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {
            "endpoint": st.sampled_from(ENDPOINTS),
            "serverless_memory_mb": st.sampled_from([None, 4096]),
            "instance_type": st.sampled_from([None, "ml.m5.large", "ml.p5.48xlarge"]),
            "instance_count": st.sampled_from([1, 3]),
            "max_instances": st.sampled_from([None, 3, 5]),
        }
    ),
    st.sampled_from([(), ("ml.m5.4xlarge",), ("ml.p5.48xlarge",)]),
    st.sampled_from(["us-east-1", "xx-nowhere-9"]),
)
def test_whatever_is_taken_as_settings_has_a_quote_and_what_is_unknown_in_it_a_reason(
    asked: dict[str, Any], allowed: tuple[str, ...], region: str
) -> None:
    try:
        settings = ModelSettings.from_document({"target": "y"} | asked)
    except InvalidSettings:
        reject()
    account = replace(account_of(), region=region, instance_types=allowed)
    found = quotes.quote(settings, account, TABLE, TODAY)
    for what in ("training", "batch", "endpoint"):
        amounts = [value for name, value in found[what].items() if "usd" in name]
        assert (None in amounts) == bool(found[what]["reason"])
        assert all(amount is None or Decimal(amount) > 0 for amount in amounts)
    endpoint = found["endpoint"]
    assert bool(endpoint["instance_types"]) != bool(endpoint["serverless_memory_mb"])
    assert endpoint["max_count"] >= max(endpoint["count"], settings.max_instances or 0)


@given(
    st.sets(st.sampled_from([*INSTANCE_TYPES]), max_size=6).map(sorted),
    st.sampled_from(ENDPOINTS),
    st.lists(st.integers(1, 500 * GIB), min_size=1, max_size=3),
)
def test_no_endpoint_is_made_of_what_the_quote_does_not_count(
    allowed: list[str], endpoint: str, artefacts: list[int]
) -> None:
    settings = ModelSettings("y", endpoint=endpoint)
    account = replace(account_of(), instance_types=tuple(allowed))
    quoted = quotes.endpoint_types(settings, account)
    planned: EndpointPlan | None = None
    with suppress(ServerlessNotPossible):
        planned = endpoint_plan.plan(settings, account, len(artefacts), artefacts)
    while planned is not None and planned.instance_type:
        assert planned.instance_type in quoted
        planned = planned.larger(endpoint_plan.NOT_UP, allowed)


def test_a_serverless_endpoint_that_auto_may_choose_counts_at_worst() -> None:
    def worst(**settings: Any) -> str:
        asked = replace(SETTINGS, serverless_concurrency=200, **settings)
        found: str = quotes.quote(asked, account_of(), TABLE, TODAY)["endpoint"]["worst_case_usd_per_hour"]
        return found

    on_instances = worst(endpoint="real-time")
    assert Decimal(worst()) == 200 * Decimal("0.432") > Decimal(on_instances)
    assert worst(expected_requests_per_hour=5000) == worst(max_instances=1) == on_instances


PARAMETER = yaml_parse((Path(__file__).parents[3] / "template.yaml").read_text())["Parameters"]["Prices"]
TAKEN = re.compile(PARAMETER["AllowedPattern"])
ROW = "us-east-1,ml.m5.xlarge,hosting,0.2,2026-11-01,our contract of 1 Nov. (EUR)"


def test_what_the_stack_takes_as_prices_are_the_tables_rows_of_every_use() -> None:
    own = resources.files("tenantml.domain.pricing").joinpath("prices.csv").read_text("utf-8").splitlines()[1:]
    assert {row.split(",")[2] for row in own} == set(pricing.USES)
    assert [row for row in own if not TAKEN.fullmatch(row)] == []
    joined = "; ".join(ROW.replace("hosting", use) for use in pricing.USES)
    assert [bool(TAKEN.fullmatch(text)) for text in ("", joined, f"{joined};", joined.replace("; ", ""))] == [
        True, True, True, False,
    ]  # fmt: skip
    assert pricing.table(f"{joined};")["us-east-1", "ml.m5.xlarge", "transform"].micros_per_hour == 200_000


def test_the_stack_takes_no_date_that_is_none() -> None:
    for month, day in product(range(14), range(33)):
        text = f"2026-{month:02}-{day:02}"
        with suppress(ValueError):
            pricing.table(ROW.replace("2026-11-01", text))
            assert TAKEN.fullmatch(ROW.replace("2026-11-01", text)), text
            continue
        assert not TAKEN.fullmatch(ROW.replace("2026-11-01", text)), text


@pytest.mark.parametrize(
    "row",
    [
        "us-east-1,ml.m5.xlarge,hosting,0,2026-11-01,x",
        "us-east-1,ml.m5.xlarge,hosting,-1,2026-11-01,x",
        "us-east-1,ml.m5.xlarge,hosting,NaN,2026-11-01,x",
        "us-east-1,ml.m5.xlarge,hosting,0.0000001,2026-11-01,x",
        "us-east-1,ml.m5.xlarge,hosting,cheap,2026-11-01,x",
        "us-east-1,ml.m5.xlarge,lunch,1,2026-11-01,x",
        "us-east-1,ml.m5.xlarge,hosting,1,yesterday,x",
        "us-east-1,ml.m5.xlarge,hosting,1,2026-11-01,",
        "us-east-1,ml.m5.xlarge,hosting,1,2026-11-01, ",
        "us-east-1,ml.m5.xlarge,hosting,1",
    ],
)
def test_a_price_that_is_none_is_not_read_and_not_taken(row: str) -> None:
    assert not TAKEN.fullmatch(row)
    with pytest.raises(ValueError, match=r"."):
        pricing.table(row)


@pytest.mark.parametrize("row", [ROW.replace("ml.", ""), ROW.replace("us-east-1", "Virginia"), ROW.replace("our", '"')])
def test_a_price_that_nothing_would_be_found_by_is_not_taken(row: str) -> None:
    assert not TAKEN.fullmatch(row)


def test_everything_can_be_priced_in_another_region_within_what_the_parameter_holds() -> None:
    row = "eu-central-1,{},{},0.2,2026-11-01,AWS"
    rows = [
        *(row.format(rung.instance_type, use) for rung in LADDER for use in ("hosting", "transform")),
        *(row.format(memory_mb, "serverless") for memory_mb in SERVERLESS_MEMORY_MB),
        row.format(quotes.TRAINING_TYPE, "training"),
    ]
    text, account = ";".join(rows), replace(account_of(), region="eu-central-1")
    assert len(text) <= PARAMETER["MaxLength"]
    assert TAKEN.fullmatch(text)
    for settings in (SETTINGS, replace(SETTINGS, endpoint="serverless")):
        unknown = quotes.quote(settings, account, TABLE, TODAY)
        known = quotes.quote(settings, account, pricing.table(text), TODAY)
        for what, amount in (("training", "usd"), ("batch", "usd"), ("endpoint", "usd_per_hour")):
            assert (unknown[what][f"worst_case_{amount}"], bool(unknown[what]["reason"])) == (None, True)
            assert (Decimal(known[what][f"worst_case_{amount}"]) > 0, known[what]["reason"]) == (True, None)


def test_dollars_are_written_with_all_their_micros() -> None:
    assert [usd(None), usd(0), usd(1), usd(1_500_000), usd(12_000_000_001)] == [
        None, "0.000000", "0.000001", "1.500000", "12000.000001",
    ]  # fmt: skip
