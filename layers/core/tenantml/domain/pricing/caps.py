"""Caps on what a tenant or a model may spend of the customer's money, and what is said of what exceeds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenantml.domain.pricing.prices import MICROS, usd
from tenantml.domain.tenancy import operator_requests
from tenantml.errors import BudgetExceeded, InvalidOperation, TooManyTrainings, TrainingsPerDayExceeded

MOST = 10**9
KEPT = "nothing was spent on it, and the file is kept"


def whose_caps(model: str) -> tuple[str, str]:
    """Return in words whose the caps are that count for a model."""
    return "the tenant", f"the model {model}"


@dataclass(frozen=True)
class Caps:
    """What a tenant or a model may spend of the customer's money; None for no cap."""

    trainings_per_day: int | None = None
    max_concurrent_trainings: int | None = None
    monthly_budget_usd: int | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Caps:
        """Read a JSON object of caps; an omitted one is none.

        Raises:
            InvalidOperation: names each field that is unknown or not a whole number from 0 up.
        """
        caps = operator_requests.read(dict(document), dict.fromkeys(cls.__dataclass_fields__, int))
        wrong = [f"{name}: expected 0 to {MOST:,}" for name, value in caps.items() if not 0 <= value <= MOST]
        if wrong:
            raise InvalidOperation("; ".join(wrong))
        return cls(**caps)

    def require_training_a_day(self, whose: str, begun: int) -> None:
        """Return when one more training may begin on a day on which so many were begun.

        Raises:
            TrainingsPerDayExceeded: as many were begun as may be.
        """
        most = self.trainings_per_day
        if most is not None and begun >= most:
            raise TrainingsPerDayExceeded(
                f"{whose} has {most} trainings a day, which are used up; {KEPT}; upload again after midnight UTC"
            )

    def require_training_at_once(self, others: int) -> None:
        """Return when one more model may be trained beside so many others.

        Raises:
            TooManyTrainings: as many are trained as may be at once.
        """
        most = self.max_concurrent_trainings
        if most is not None and others >= most:
            raise TooManyTrainings(
                f"the tenant has {most} trainings at once, and as many are running; {KEPT}; upload again when one of "
                "them is over"
            )

    def require_budget(self, whose: str, worst_micros: int | None, committed: int | None) -> None:
        """Return when what is to be spent fits, at worst, into a month's budget with what is committed already.

        Raises:
            BudgetExceeded: it does not, or nobody knows whether it does.
        """
        budget = self.monthly_budget_usd
        if budget is None:
            return
        if worst_micros is None:
            raise BudgetExceeded(
                f"{whose} has a budget of {budget} USD a month, and what this would cost at worst is unknown, for the "
                f"price table lacks a price of it; {KEPT}; the operator adds it to Prices, or lift the budget"
            )
        if committed is None:
            raise BudgetExceeded(
                f"{whose} has a budget of {budget} USD a month, and what this month costs is unknown, for what had no "
                f"price when it began; {KEPT}; an endpoint gets its price when it is deployed anew, all else is over "
                "with the month; until then the budget can be lifted"
            )
        if worst_micros + committed > budget * MICROS or budget == 0:
            raise BudgetExceeded(
                f"{whose} has a budget of {budget} USD a month; {usd(committed)} are spent or taken, and this may cost "
                f"{usd(worst_micros)} at worst; {KEPT}; try again next month, or raise the budget"
            )
