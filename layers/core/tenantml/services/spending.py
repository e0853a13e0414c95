"""What the customer's account spends for a tenant: quotes before, and caps that hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tenantml.domain.names import CustomerAccount
from tenantml.domain.pricing import costs, quotes
from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing.caps import Caps
from tenantml.domain.pricing.ledger import Ledger
from tenantml.domain.pricing.prices import Prices
from tenantml.domain.pricing.quotes import JobQuote
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import PlatformUnavailable
from tenantml.services import registry
from tenantml.services.registry import keys, table
from tenantml.settings import setting

ATTEMPTS = 20


def prices() -> Prices:
    """Return the prices: the repository's, and those that the operator's stack has in their place."""
    return pricing.table(setting("PRICES", ""))


def quote(settings: ModelSettings, account: CustomerAccount, plan: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a training and an endpoint of these settings can cost at worst, as of today, and a batch by a version
    of this plan.
    """
    return quotes.quote(settings, account, prices(), datetime.now(UTC).date(), plan)


def quote_batch(settings: ModelSettings, account: CustomerAccount, plan: Mapping[str, Any]) -> JobQuote:
    """Return what a batch by a version of this plan can cost at worst."""
    return quotes.batch(quotes.batch_types(settings, plan, account), account.region, prices())


def admit(run: Run, settings: ModelSettings, account: CustomerAccount) -> None:
    """Take a place for the run's training, with its worst case, before anything is spent. Repeatable.

    Raises:
        BudgetExceeded: the worst case does not fit into the month's budget, of the tenant or the model.
        TooManyTrainings: as many models are trained as may be at once.
        TrainingsPerDayExceeded: as many trainings were begun on this day as may be.
    """
    quote = quotes.training(settings, account.region, prices())
    of_tenant, of_model = find_caps(run.tenant), _caps_of(settings)
    _change(run.tenant, lambda book, now: book.admit(run.execution, run.model, quote, of_tenant, of_model, now))


def admit_batch(run: Run, settings: ModelSettings, quote: JobQuote) -> None:
    """Take a place for the run's batch, with its worst case, before anything is spent. Repeatable.

    Raises:
        BudgetExceeded: the worst case does not fit into the month's budget, of the tenant or the model.
        TooManyBatches: as many batches of the model run as may at once.
    """
    of_tenant, of_model, most = find_caps(run.tenant), _caps_of(settings), settings.max_concurrent_batches
    _change(
        run.tenant,
        lambda book, now: book.admit_batch(run.execution, run.model, quote, most, of_tenant, of_model, now),
    )


def require_room_for_batch(tenant: str, model: str, settings: ModelSettings, quote: JobQuote) -> None:
    """Return when a batch would have a place now; it takes one when its file has come.

    Raises:
        BudgetExceeded: the worst case does not fit into the month's budget, of the tenant or the model.
        TooManyBatches: as many batches of the model run as may at once.
    """
    caps, most = (find_caps(tenant), _caps_of(settings)), settings.max_concurrent_batches
    find_ledger(tenant).admit_batch("", model, quote, most, *caps, datetime.now(UTC))


def require_budget(tenant: str, model: str) -> None:
    """Return when the month's budgets, as they are now, are not used up, so that an endpoint may be made.

    Raises:
        BudgetExceeded: one is.
        NotFound: the model is gone.
    """
    settings = ModelSettings.from_document(registry.get_model(tenant, model)["settings"])
    find_ledger(tenant).require_budget(model, 0, find_caps(tenant), _caps_of(settings), datetime.now(UTC))


def has_place(run: Run) -> bool:
    """Return whether the run's training or batch still has its place."""
    return run.execution in find_ledger(run.tenant).places


def settle(run: Run, *, begun: bool, cost: tuple[int, int | None] | None = None, is_over: bool = False) -> None:
    """Give back the place of the run's training or batch, for what it cost (seconds, micro-dollars), as
    `Ledger.settle` does. Repeatable: the first word counts.
    """
    _change(run.tenant, lambda book, now: book.settle(run.execution, now, begun=begun, cost=cost, is_over=is_over))


def open_endpoint(run: Run, plan: EndpointPlan, region: str) -> None:
    """Note that the endpoint of the run's version stands from now on, and at what price. Repeatable."""
    serverless = plan.serverless_memory_mb is not None
    price = pricing.find(prices(), region, str(plan.instance_type), pricing.HOSTING)
    micros = None if price is None or serverless else price.micros_per_hour * plan.most_instances
    scaled = plan.max_instances is not None
    _change(
        run.tenant,
        lambda book, now: book.open_endpoint(run.model, run.version, now, micros, serverless=serverless, scaled=scaled),
    )


def close_endpoint(tenant: str, model: str, version: str | None = None) -> None:
    """Note that a version's endpoint was removed, or all of the model's; what a pause removes is saved from now on.
    Repeatable.
    """
    is_paused = version is not None and registry.paused_version(registry.find_model(tenant, model) or {}) is not None
    _change(tenant, lambda book, now: book.close_endpoint(model, version, now, is_paused=is_paused))


def standing_endpoints(tenant: str, at_least: timedelta) -> list[tuple[str, str]]:
    """Return the models and versions whose endpoints have cost for so long, as far as the ledger knows."""
    until = datetime.now(UTC) - at_least
    known = find_ledger(tenant).endpoints.items()
    names = [name.partition("/") for name, found in known if datetime.fromisoformat(found["since"]) <= until]
    return [(model, version) for model, _, version in names]


def report(tenant: str) -> dict[str, Any]:
    """Return what this month has cost until now, as the API shows it."""
    now = datetime.now(UTC)
    return find_ledger(tenant).report(find_caps(tenant), now) | {"note": f"{quotes.WHO_PAYS}. {costs.OF_MONTH}"}


def find_ledger(tenant: str) -> Ledger:
    """Return the tenant's ledger."""
    return Ledger.of_row(table.get(keys.spending(tenant)) or {})


def find_caps(tenant: str) -> Caps:
    """Return the caps that the operator set for the tenant."""
    row = table.get(keys.limits(tenant)) or {}
    return Caps.from_document({name: row[name] for name in Caps.__dataclass_fields__ if name in row})


def _caps_of(settings: ModelSettings) -> Caps:
    return Caps(settings.trainings_per_day, None, settings.monthly_budget_usd)  # a model has one training at a time


def _change(tenant: str, change: Callable[[Ledger, datetime], Ledger]) -> None:
    """Write the ledger as it is after the change, while it is as it was read; of two changes at once one reads again.

    Raises:
        PlatformUnavailable: it changes too fast.
    """
    for _ in range(ATTEMPTS):
        row = table.get(keys.spending(tenant)) or {}
        found = Ledger.of_row(row)
        changed = change(found, datetime.now(UTC))
        if changed == found:
            return
        revision = row.get("revision", 0)
        values = {"revision": revision + 1} | changed.as_document()
        condition = "#0 = :found" if row else "attribute_not_exists(pk)"
        if table.update(keys.spending(tenant), values, condition, **({"found": revision} if row else {})):
            return
    raise PlatformUnavailable("what this tenant spends is being changed from several places; try again")
