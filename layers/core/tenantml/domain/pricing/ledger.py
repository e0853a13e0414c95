"""The ledger of a tenant: what its trainings, batches and endpoints cost this month, what they still may, and the caps
on both.

A training or a batch takes a place with its worst case before anything is spent, and gives it back for what it did
cost. The ledger is one value that changes as a whole, so that of two uploads at once only one can have the last place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tenantml.domain.pricing.caps import KEPT, Caps, whose_caps
from tenantml.domain.pricing.prices import HOUR_SECONDS, usd
from tenantml.domain.pricing.quotes import JobQuote
from tenantml.domain.pricing.spent import (
    BATCH,
    COUNTED,
    FLAGS,
    PURPOSES,
    TRAINING,
    Spent,
    by_month,
    day_of,
    month_of,
    shown,
)
from tenantml.errors import TooManyBatches

KEPT_MONTHS = 13


@dataclass(frozen=True)
class Ledger:
    """What is spent, by month and model; trainings that were begun on `day`, by model; and what may still be spent:
    trainings and batches that have a place, by execution, and endpoints that stand, by model and version. `pauses` has
    the models of which no endpoint stands for a pause.
    """

    day: str = ""
    trainings: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    endpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pauses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    months: Mapping[str, Mapping[str, Spent]] = field(default_factory=dict)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Ledger:
        """Return the ledger of a row; an empty one has spent nothing."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__ if name in row})

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    def admit(
        self, execution: str, model: str, quote: JobQuote, of_tenant: Caps, of_model: Caps, now: datetime
    ) -> Ledger:
        """Return the ledger with a place for the training; one that has a place keeps it.

        Raises:
            BudgetExceeded: its worst case, with what is spent and may be spent, is over a budget, or is unknown.
            TooManyTrainings: as many models are trained as may be at once.
            TrainingsPerDayExceeded: as many trainings were begun on this day as may be.
        """
        if execution in self.places:
            return self
        begun = self.trainings if self.day == day_of(now) else {}
        others = {place["model"] for place in self.places_of(TRAINING)} - {model}
        of_day = (sum(begun.values()), begun.get(model, 0))
        for cap, whose, count in zip((of_tenant, of_model), whose_caps(model), of_day, strict=True):
            cap.require_training_a_day(whose, count)
        of_tenant.require_training_at_once(len(others))
        self.require_budget(model, quote.worst_micros, of_tenant, of_model, now)
        placed = self._with_place(execution, model, TRAINING, quote, now)
        return replace(placed, day=day_of(now), trainings={**begun, model: begun.get(model, 0) + 1})

    def admit_batch(
        self, execution: str, model: str, quote: JobQuote, most: int, of_tenant: Caps, of_model: Caps, now: datetime
    ) -> Ledger:
        """Return the ledger with a place for the batch, of `most` that a model has at once; one that has a place keeps
        it.

        Raises:
            BudgetExceeded: its worst case, with what is spent and may be spent, is over a budget, or is unknown.
            TooManyBatches: as many batches of the model run as may at once.
        """
        if execution in self.places:
            return self
        if sum(place["model"] == model for place in self.places_of(BATCH)) >= most:
            raise TooManyBatches(
                f"the model {model} has {most} batches at once, and as many are running; {KEPT}; send it again when "
                "one of them is over"
            )
        self.require_budget(model, quote.worst_micros, of_tenant, of_model, now)
        return self._with_place(execution, model, BATCH, quote, now)

    def places_of(self, purpose: str) -> list[Mapping[str, Any]]:
        """Return the places that trainings, or batches, have."""
        return [place for place in self.places.values() if place.get("for", TRAINING) == purpose]

    def _with_place(self, execution: str, model: str, purpose: str, quote: JobQuote, now: datetime) -> Ledger:
        worst = {"worst_micros": quote.worst_micros, "seconds": quote.seconds}
        place = {"model": model, "for": purpose, "since": now.isoformat()} | worst
        return replace(self, places={**self.places, execution: place})

    def require_budget(
        self, model: str, worst_micros: int | None, of_tenant: Caps, of_model: Caps, now: datetime
    ) -> None:
        """Return when what is to be spent fits into the month's budgets.

        Raises:
            BudgetExceeded: it does not, or nobody knows whether it does.
        """
        for caps, whose, of in zip((of_tenant, of_model), whose_caps(model), (None, model), strict=True):
            if caps.monthly_budget_usd is not None:
                caps.require_budget(whose, worst_micros, self.committed_micros(now, of))

    def committed_micros(self, now: datetime, model: str | None = None) -> int | None:
        """Return what this month has cost, by all models or one, with the worst case of every training and batch that
        runs; None where a price is unknown.
        """
        spent = self.spent(now)
        rows = [row for name, row in spent.items() if model in (None, name)]
        places: list[int | None] = [
            place["worst_micros"] for place in self.places.values() if model in (None, place["model"])
        ]
        known = [micros for micros in places if micros is not None]
        if len(known) < len(places) or any(row.get("unpriced") for row in rows):
            return None
        return sum(row.get(f"{purpose}_micros", 0) for row in rows for purpose in PURPOSES) + sum(known)

    def settle(
        self,
        execution: str,
        now: datetime,
        *,
        begun: bool,
        cost: tuple[int, int | None] | None = None,
        is_over: bool = False,
    ) -> Ledger:
        """Return the ledger after a training or a batch: its place is free, and its `cost` (seconds and micro-dollars)
        is spent. One that was begun and could not be measured counts at its worst case, until now where its job is
        known to be over; one that was not begun costs nothing.
        """
        place = self.places.get(execution)
        if place is None:
            return self
        rest = replace(self, places={name: found for name, found in self.places.items() if name != execution})
        model, purpose = str(place["model"]), place.get("for", TRAINING)
        if not begun:
            if purpose != TRAINING or day_of(datetime.fromisoformat(place["since"])) != self.day:
                return rest
            return replace(rest, trainings={**self.trainings, model: max(0, self.trainings.get(model, 0) - 1)})
        seconds, micros = cost or (0, _worst_until(place, now) if is_over else place["worst_micros"])
        added = {
            f"{purpose}_seconds": seconds,
            f"{purpose}_micros": micros or 0,
            "unpriced": int(micros is None),
            "unmeasured": int(cost is None),
        }
        return rest.plus(month_of(now), model, added)

    def open_endpoint(
        self,
        model: str,
        version: str,
        now: datetime,
        micros_per_hour: int | None,
        *,
        serverless: bool = False,
        scaled: bool = False,
    ) -> Ledger:
        """Return the ledger with an endpoint that stands from now on, all its instances at this price; one that stands
        at the same price already, stands since then.
        """
        name = f"{model}/{version}"
        entry = {"micros_per_hour": micros_per_hour, "serverless": serverless, "scaled": scaled}
        standing = self.endpoints.get(name)
        if standing is not None and {key: standing.get(key, False) for key in entry} == entry:
            return self
        closed = self.close_endpoint(model, version, now).end_pause(model, now)
        return replace(closed, endpoints={**closed.endpoints, name: entry | {"since": now.isoformat()}})

    def close_endpoint(self, model: str, version: str | None, now: datetime, *, is_paused: bool = False) -> Ledger:
        """Return the ledger after an endpoint was removed, or all of the model's: what they cost is spent. Of a model
        that `is_paused`, the last of them begins to save what it did cost.
        """
        named = f"{model}/{version or ''}"
        names = [name for name in self.endpoints if name == named or (version is None and name.startswith(named))]
        closed = self
        for name in names:
            endpoint = self.endpoints[name]
            for month, seconds in by_month(datetime.fromisoformat(endpoint["since"]), now):
                closed = closed.plus(month, model, _cost_of(endpoint, seconds))
        left = {name: self.endpoints[name] for name in self.endpoints if name not in names}
        closed = replace(closed, endpoints=left)
        if not is_paused:
            return closed.end_pause(model, now) if version is None else closed
        is_last = bool(names) and not any(name.startswith(f"{model}/") for name in left)
        if not is_last or self.endpoints[names[-1]]["serverless"]:
            return closed
        saves = {"micros_per_hour": self.endpoints[names[-1]]["micros_per_hour"], "since": now.isoformat()}
        return replace(closed, pauses={**self.pauses, model: saves})

    def end_pause(self, model: str, now: datetime) -> Ledger:
        """Return the ledger after the pause of a model, if it has one: what its endpoint would have cost is saved."""
        pause, ended = self.pauses.get(model), self
        if pause is None:
            return self
        micros = pause["micros_per_hour"]
        for month, seconds in by_month(datetime.fromisoformat(pause["since"]), now):
            saved = {"saved_seconds": seconds, "saved_micros": _micros(micros, seconds)}
            ended = ended.plus(month, model, saved | {"saved_unpriced": int(micros is None)})
        return replace(ended, pauses={name: found for name, found in self.pauses.items() if name != model})

    def spent(self, now: datetime) -> dict[str, dict[str, int]]:
        """Return by model what this month has cost until now, endpoints that stand included."""
        until_now = self
        for name in self.endpoints:
            model, _, version = name.partition("/")
            until_now = until_now.close_endpoint(model, version, now)
        for model in self.pauses:
            until_now = until_now.end_pause(model, now)
        return {model: dict(row) for model, row in until_now.months.get(month_of(now), {}).items()}

    def report(self, caps: Caps, now: datetime) -> dict[str, Any]:
        """Return what this month has cost until now, as the API shows it; what is unknown is null, with the reason."""
        spent = self.spent(now)
        total = {name: sum(row.get(name, 0) for row in spent.values()) for name in (*COUNTED, *FLAGS)}
        return {
            "month": month_of(now),
            **shown(total),
            "models": [{"model": model, **shown(row)} for model, row in sorted(spent.items())],
            "committed_usd": usd(self.committed_micros(now)),
            "trainings_running": len(self.places_of(TRAINING)),
            "batches_running": len(self.places_of(BATCH)),
            "trainings_today": sum(self.trainings.values()) if self.day == day_of(now) else 0,
            "caps": asdict(caps),
        }

    def plus(self, month: str, model: str, added: Spent) -> Ledger:
        """Return the ledger with more spent in a month; of months, the last 13 are kept."""
        of_month = self.months.get(month, {})
        before = of_month.get(model, {})
        row = {name: before.get(name, 0) + added.get(name, 0) for name in {**before, **added}}
        months = {**self.months, month: {**of_month, model: row}}
        return replace(self, months={name: months[name] for name in sorted(months)[-KEPT_MONTHS:]})


def _worst_until(place: Mapping[str, Any], now: datetime) -> int | None:
    """Return the worst case of what was over by now, rounded up."""
    worst, most = place["worst_micros"], place["seconds"]
    ran = -(-(now - datetime.fromisoformat(place["since"])) // timedelta(seconds=1))
    return None if worst is None else -(-worst * min(ran, most) // most)


def _cost_of(endpoint: Mapping[str, Any], seconds: int) -> Spent:
    micros = endpoint["micros_per_hour"]
    if endpoint["serverless"]:
        return {"endpoint_seconds": seconds, "serverless": 1}
    return {
        "endpoint_seconds": seconds,
        "endpoint_micros": _micros(micros, seconds),
        "unpriced": int(micros is None),
        "scaled": int(endpoint.get("scaled", False)),
    }


def _micros(per_hour: int | None, seconds: int) -> int:
    """Return what so many seconds cost, rounded up; of an unknown price nothing, which is flagged."""
    return -(-(per_hour or 0) * seconds // HOUR_SECONDS)
