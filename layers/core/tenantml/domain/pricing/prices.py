"""Dated prices of SageMaker: those of `prices.csv`, and those that the operator's stack puts in their place."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib import resources

HOSTING, TRAINING, PROCESSING, TRANSFORM, SERVERLESS = USES = (
    "hosting", "training", "processing", "transform", "serverless",
)  # fmt: skip
MICROS = 1_000_000
HOUR_SECONDS = 3600
FIELDS = ("region", "instance_type", "use", "usd_per_hour", "date", "source")


@dataclass(frozen=True)
class Price:
    """What AWS asks for an hour of one instance, or of one request at a time of a serverless endpoint, whose
    `instance_type` is its memory in MB.
    """

    region: str
    instance_type: str
    use: str
    micros_per_hour: int
    date: str
    source: str

    @classmethod
    def of_row(cls, row: Sequence[str]) -> Price:
        """Read a row of the table.

        Raises:
            ValueError: it has not the fields of the table, or no price, use or date that can be one.
        """
        if len(row) != len(FIELDS) or not all(field.strip() for field in row):
            raise ValueError(f"expected {', '.join(FIELDS)}, each with a value: {','.join(row)!r}")
        region, instance_type, use, usd, day, source = (field.strip() for field in row)
        try:
            micros = Decimal(usd) * MICROS
            is_price = 0 < micros < 10**12 and micros == int(micros)
        except InvalidOperation as error:
            raise ValueError(f"usd_per_hour: {usd!r} is no number") from error
        if not is_price:
            raise ValueError(f"usd_per_hour: {usd!r} is not above 0 with at most six decimals")
        if use not in USES:
            raise ValueError(f"use: {use!r} is not one of {', '.join(USES)}")
        return cls(region, instance_type, use, int(micros), date.fromisoformat(day).isoformat(), source)

    def cost_micros(self, seconds: int, instances: int = 1) -> int:
        """Return what so many seconds of each of the instances cost, rounded up."""
        return -(-self.micros_per_hour * seconds * instances // HOUR_SECONDS)


Prices = Mapping[tuple[str, str, str], Price]
"""Prices by region, instance type and use."""


def find(prices: Prices, region: str, instance_type: str, use: str) -> Price | None:
    """Return the price, None where the table has none."""
    return prices.get((region, instance_type, use))


@lru_cache(maxsize=4)
def table(replaced: str = "") -> Prices:
    """Return the repository's prices, those that `replaced` has in their place: rows of the same form, separated by
    semicolons or line breaks.

    Raises:
        ValueError: a row cannot be read.
    """
    own = resources.files(__package__).joinpath("prices.csv").read_text("utf-8")
    rows = [*csv.reader(own.splitlines()[1:]), *csv.reader(replaced.replace(";", "\n").splitlines())]
    found = [Price.of_row(row) for row in rows if row]
    return {(price.region, price.instance_type, price.use): price for price in found}


def age_days(prices: Sequence[Price], today: date) -> int | None:
    """Return how many days ago the oldest of the prices was read; None without any."""
    return max(((today - date.fromisoformat(price.date)).days for price in prices), default=None)


def usd(micros: int | None) -> str | None:
    """Return micro-dollars as dollars with six decimals; what is unknown stays so."""
    return None if micros is None else f"{micros // MICROS}.{micros % MICROS:06}"
