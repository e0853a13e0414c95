"""Quotes: the most that a training, a batch and an endpoint can cost the customer, before anything is spent.

AWS does not document which instances Autopilot trains on, nor how many at once: `TRAINING_TYPE` is the largest type
that its jobs were seen to ask a quota for, and `MOST_AT_ONCE` a judgement (docs/decisions/0031).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tenantml.domain.names import CustomerAccount
from tenantml.domain.predictions.batch import LONGEST_SECONDS
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.prices import Price, Prices, usd
from tenantml.domain.training import automl_job, endpoint_choice, endpoint_plan, endpoint_rules
from tenantml.domain.training.endpoint_rules import NO_ENDPOINT
from tenantml.domain.training.model_settings import ModelSettings

TRAINING_TYPE = "ml.m5.12xlarge"
MOST_AT_ONCE = 10
MONTH_HOURS = 31 * 24
MORE_THAN_ANY = 10**12  # micro-dollars an hour: what has no price may be the dearest
JUDGED_ONLY = "an endpoint stands only while a version is judged: by the hour, for each version"
UNTIL_SEEN = f"{automl_job.LONGEST_WAIT_SECONDS:,} until we look again"
WHO_PAYS = (
    "What AWS would ask of your own account by these prices, before taxes, discounts and free tiers; AWS's bill counts"
)


@dataclass(frozen=True)
class JobQuote:
    """The most that a training or a batch can use, and what that costs: `seconds` of each of `instances`, for which
    `seconds_from` says why no more.
    """

    instance_type: str
    instances: int
    seconds: int
    seconds_from: str
    price: Price | None

    @property
    def worst_micros(self) -> int | None:
        """The worst case in micro-dollars, None where there is no price."""
        return None if self.price is None else self.price.cost_micros(self.seconds, self.instances)


def training(settings: ModelSettings, region: str, prices: Prices) -> JobQuote:
    """Return the quote of a training: until we stop its job, on as many instances as it has candidates or may use."""
    return JobQuote(
        TRAINING_TYPE,
        min(settings.max_candidates, MOST_AT_ONCE),
        settings.max_runtime_seconds + automl_job.GRACE_SECONDS + automl_job.LONGEST_WAIT_SECONDS,
        f"the model's max_runtime_seconds ({settings.max_runtime_seconds:,}), {automl_job.GRACE_SECONDS:,} in which "
        f"Autopilot ends by itself, and {UNTIL_SEEN}",
        pricing.find(prices, region, TRAINING_TYPE, pricing.TRAINING),
    )


def batch(instance_types: Sequence[str], region: str, prices: Prices) -> JobQuote:
    """Return the quote of a batch: one instance until we stop its job, of the dearest of the types that it may have;
    without a price of one of them it has none.
    """
    seconds = LONGEST_SECONDS + automl_job.LONGEST_WAIT_SECONDS
    found = [(name, pricing.find(prices, region, name, pricing.TRANSFORM)) for name in instance_types]
    name, price = max(found, key=lambda priced: MORE_THAN_ANY if priced[1] is None else priced[1].micros_per_hour)
    return JobQuote(
        name, 1, seconds, f"a day ({LONGEST_SECONDS:,}), after which its job is stopped, and {UNTIL_SEEN}", price
    )


def batch_types(settings: ModelSettings, plan: Mapping[str, Any] | None, account: CustomerAccount) -> list[str]:
    """Return what a batch may run on: what the plan of its version says, without one what any version's may."""
    if plan is not None:
        return [endpoint_plan.transform_type(plan, account.instance_types)]
    names = [None] if settings.asks_for_serverless else endpoint_types(settings, account)
    return [endpoint_plan.transform_type({"instance_type": name}, account.instance_types) for name in names]


def endpoint_types(settings: ModelSettings, account: CustomerAccount) -> tuple[str, ...]:
    """Return what an endpoint may be made of, the most likely first; of one that has to be serverless, its memory in
    MB.
    """
    if settings.asks_for_serverless:
        memory_mb = settings.serverless_memory_mb
        return tuple(map(str, endpoint_rules.SERVERLESS_MEMORY_MB[1:] if memory_mb is None else [memory_mb]))
    if settings.instance_type is not None:
        return (settings.instance_type,)
    rungs = [rung.instance_type for rung in endpoint_plan.rungs_of(account.instance_types)]
    likely = endpoint_plan.expected_type(settings, account)
    return tuple(dict.fromkeys(filter(None, (likely, *rungs)))) or tuple(account.instance_types[:1])


def endpoint_price(settings: ModelSettings, instance_type: str, region: str, prices: Prices) -> Price | None:
    """Return the price of an endpoint's instance type."""
    use = pricing.SERVERLESS if settings.asks_for_serverless else pricing.HOSTING
    return pricing.find(prices, region, instance_type, use)


def quote(
    settings: ModelSettings,
    account: CustomerAccount,
    prices: Prices,
    today: date,
    plan: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the quote as the API shows it, of a batch by the `plan` of the version that answers; what has no price is
    null, with the reason.
    """
    region = account.region
    predicted = batch(batch_types(settings, plan, account), region, prices)
    trained = training(settings, region, prices)
    types = endpoint_types(settings, account)
    found = [endpoint_price(settings, name, region, prices) for name in types]
    count = _count(settings)
    most = max(count, settings.max_instances or 0)
    is_standing = settings.endpoint != NO_ENDPOINT
    offered = dict(zip(types, zip(found, [most] * len(found), strict=True), strict=True))
    offered |= _serverless_instead(settings, account, prices)
    worst = _worst_micros(offered.values())
    likely = found[0]
    endpoints = [price for price, _ in offered.values()]
    used = [price for price in (trained.price, predicted.price, *endpoints) if price is not None]
    return {
        "region": region,
        "training": _job(trained, region, "training"),
        "batch": _job(predicted, region, "a batch"),
        "endpoint": {
            "usd_per_hour": usd(None if likely is None else likely.micros_per_hour * count),
            "worst_case_usd_per_hour": usd(worst),
            "worst_case_usd_per_month": usd(worst * MONTH_HOURS if worst is not None and is_standing else None),
            "reason": _reason([name for name, (price, _) in offered.items() if price is None], region, "an endpoint")
            or (None if is_standing else JUDGED_ONLY),
            "instance_types": [] if settings.asks_for_serverless else list(types),
            "serverless_memory_mb": int(types[0]) if settings.asks_for_serverless else None,
            "count": count,
            "max_count": most,
        },
        "prices": _ages(used, today),
        "note": WHO_PAYS,
    }


def _serverless_instead(
    settings: ModelSettings, account: CustomerAccount, prices: Prices
) -> dict[str, tuple[Price | None, int]]:
    """Return the prices of the serverless endpoints that `auto` may choose instead of instances, and how often each
    counts at worst.
    """
    if not endpoint_choice.may_be_serverless(settings, account):
        return {}
    sizes = map(str, endpoint_rules.SERVERLESS_MEMORY_MB)
    return {
        f"serverless {size} MB": (
            pricing.find(prices, account.region, size, pricing.SERVERLESS),
            settings.serverless_concurrency,
        )
        for size in sizes
    }


def _worst_micros(offered: Iterable[tuple[Price | None, int]]) -> int | None:
    """Return what the dearest costs an hour, so often as it counts; None when a price is unknown."""
    amounts = [None if price is None else price.micros_per_hour * count for price, count in offered]
    known = [amount for amount in amounts if amount is not None]
    return max(known, default=0) if len(known) == len(amounts) else None


def quote_of_batch(quoted: JobQuote, region: str, today: date) -> dict[str, Any]:
    """Return the quote of one batch as the API shows it."""
    prices = [] if quoted.price is None else [quoted.price]
    return {"region": region, **_job(quoted, region, "a batch"), "prices": _ages(prices, today), "note": WHO_PAYS}


def _job(quoted: JobQuote, region: str, what: str) -> dict[str, Any]:
    return {
        "worst_case_usd": usd(quoted.worst_micros),
        "reason": _reason([quoted.instance_type] if quoted.price is None else [], region, what),
        "instance_type": quoted.instance_type,
        "instances": quoted.instances,
        "seconds": quoted.seconds,
        "seconds_from": quoted.seconds_from,
    }


def _ages(used: Sequence[Price], today: date) -> dict[str, Any]:
    return {
        "oldest": min((price.date for price in used), default=None),
        "age_days": pricing.age_days(used, today),
        "sources": sorted({price.source for price in used}),
    }


def _count(settings: ModelSettings) -> int:
    """Return how many instances an endpoint has at least, or requests at once that a serverless one answers."""
    if settings.asks_for_serverless:
        return settings.serverless_concurrency
    return 1 if settings.endpoint == NO_ENDPOINT else settings.instance_count


def _reason(unknown: Sequence[str], region: str, what: str) -> str | None:
    if not unknown:
        return None
    return (
        f"the price table has no price for {what} on {', '.join(unknown)} in {region}, so its worst case is unknown; "
        "the operator can add it"
    )
