"""Quotes: the most that a training, a batch and an endpoint can cost the customer, before anything is spent.

AWS does not document which instances Autopilot trains on, nor how many at once: `TRAINING_TYPE` is the largest type
that its jobs were seen to ask a quota for, and `MOST_AT_ONCE` a judgement (docs/decisions/0031).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tenantml.domain.names import CustomerAccount
from tenantml.domain.predictions.batch import LONGEST_SECONDS
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.prices import Price, Prices, usd
from tenantml.domain.training import automl_job, endpoint_plan
from tenantml.domain.training.model_settings import ModelSettings

TRAINING_TYPE = "ml.m5.12xlarge"
MOST_AT_ONCE = 10
MONTH_HOURS = 31 * 24
MORE_THAN_ANY = 10**12  # micro-dollars an hour: what has no price may be the dearest
WHO_PAYS = (
    "What AWS would ask of your own account by these prices, before taxes, discounts and free tiers; AWS's bill counts"
)


@dataclass(frozen=True)
class JobQuote:
    """The most that a training or a batch can use, and what that costs: `seconds` of each of `instances`."""

    instance_type: str
    instances: int
    seconds: int
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
        pricing.find(prices, region, TRAINING_TYPE, pricing.TRAINING),
    )


def batch(instance_types: Sequence[str], region: str, prices: Prices) -> JobQuote:
    """Return the quote of a batch: one instance until we stop its job, of the dearest of the types that it may have;
    without a price of one of them it has none.
    """
    seconds = LONGEST_SECONDS + automl_job.LONGEST_WAIT_SECONDS
    found = [(name, pricing.find(prices, region, name, pricing.TRANSFORM)) for name in instance_types]
    name, price = max(found, key=lambda priced: MORE_THAN_ANY if priced[1] is None else priced[1].micros_per_hour)
    return JobQuote(name, 1, seconds, price)


def batch_types(settings: ModelSettings, plan: Mapping[str, Any] | None, allowed: Sequence[str] = ()) -> list[str]:
    """Return what a batch may run on: what the plan of its version says, without one what any version's may."""
    if plan is not None:
        return [endpoint_plan.transform_type(plan, allowed)]
    names = [None] if settings.serverless_memory_mb is not None else endpoint_types(settings, allowed)
    return [endpoint_plan.transform_type({"instance_type": name}, allowed) for name in names]


def endpoint_types(settings: ModelSettings, allowed: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what an endpoint may be made of, the most likely first; of a serverless one, its memory in MB."""
    if settings.serverless_memory_mb is not None:
        return (str(settings.serverless_memory_mb),)
    likely = str(endpoint_plan.expected_type(settings, allowed))
    ladder = [rung.instance_type for rung in endpoint_plan.LADDER if not allowed or rung.instance_type in allowed]
    return tuple(dict.fromkeys((likely, *ladder))) if settings.instance_type is None else (likely,)


def endpoint_price(settings: ModelSettings, instance_type: str, region: str, prices: Prices) -> Price | None:
    """Return the price of an endpoint's instance type."""
    use = pricing.HOSTING if settings.serverless_memory_mb is None else pricing.SERVERLESS
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
    predicted = batch(batch_types(settings, plan, account.instance_types), region, prices)
    trained = training(settings, region, prices)
    types = endpoint_types(settings, account.instance_types)
    found = [endpoint_price(settings, name, region, prices) for name in types]
    known = [price for price in found if price is not None]
    count = settings.instance_count if settings.serverless_memory_mb is None else settings.serverless_concurrency
    worst = max((price.micros_per_hour for price in known), default=0) if len(known) == len(found) else None
    likely = found[0]
    used = [price for price in (trained.price, predicted.price, *found) if price is not None]
    return {
        "region": region,
        "training": _job(trained, region, "training"),
        "batch": _job(predicted, region, "a batch"),
        "endpoint": {
            "usd_per_hour": usd(None if likely is None else likely.micros_per_hour * count),
            "worst_case_usd_per_hour": usd(None if worst is None else worst * count),
            "worst_case_usd_per_month": usd(None if worst is None else worst * count * MONTH_HOURS),
            "reason": _reason(
                [name for name, price in zip(types, found, strict=True) if price is None], region, "an endpoint"
            ),
            "instance_types": list(types) if settings.serverless_memory_mb is None else [],
            "serverless_memory_mb": settings.serverless_memory_mb,
            "count": count,
        },
        "prices": _ages(used, today),
        "note": WHO_PAYS,
    }


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
    }


def _ages(used: Sequence[Price], today: date) -> dict[str, Any]:
    return {
        "oldest": min((price.date for price in used), default=None),
        "age_days": pricing.age_days(used, today),
        "sources": sorted({price.source for price in used}),
    }


def _reason(unknown: Sequence[str], region: str, what: str) -> str | None:
    if not unknown:
        return None
    return (
        f"the price table has no price for {what} on {', '.join(unknown)} in {region}, so its worst case is unknown; "
        "the operator can add it"
    )
