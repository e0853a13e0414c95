"""A churn table to try the pipeline with: the columns of the well-known telecom churn set, with generated rows.

    python -m local.sample PATH [--rows 5000] [--seed 7]

Three kinds of customer leave, and everybody else stays:

- *bill shock*: day, evening and night charges sum up to more than 70, and there is no voicemail plan to make up for it;
- *unheard*: four or more calls to customer service by somebody who hardly uses the phone (charges below 55);
- *ill-served abroad*: an international plan that is hardly used (at most two calls) or that runs hot (over 13 minutes).

Of those, about nineteen in twenty leave; of the others, one in a hundred does, for reasons that no column shows. So a
model can find something, needs interactions of columns to find it, and can never be perfect. `State`, `Area Code` and
`Phone` carry nothing; each charge is its minutes times a tariff. The same rows and seed give the same bytes on every
machine and Python version.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

COLUMNS = (
    "State", "Account Length", "Area Code", "Phone", "Int'l Plan", "VMail Plan", "VMail Message",
    "Day Mins", "Day Calls", "Day Charge", "Eve Mins", "Eve Calls", "Eve Charge",
    "Night Mins", "Night Calls", "Night Charge", "Intl Mins", "Intl Calls", "Intl Charge",
    "CustServ Calls", "Churn?",
)  # fmt: skip
TARGET = "Churn?"
STAYS, LEAVES = "False.", "True."

DEFAULT_ROWS = 5_000
DEFAULT_SEED = 7

_STATES = ("AZ", "CO", "GA", "IA", "ME", "MN", "NM", "OH", "OR", "PA", "TX", "VT")
_AREA_CODES = (206, 312, 617)
_BILL_SHOCK, _HARDLY_USED = 70.0, 55.0
_LEAVES_WITH_A_REASON, _LEAVES_WITHOUT = 0.94, 0.01


class _Usage(NamedTuple):
    minutes: float
    minutes_spread: float
    calls: float
    calls_spread: float
    charge_per_minute: float


_USAGE = {
    "Day": _Usage(180, 54, 100, 20, 0.17),
    "Eve": _Usage(200, 50, 100, 20, 0.09),
    "Night": _Usage(200, 50, 100, 20, 0.05),
    "Intl": _Usage(10.3, 2.8, 4.5, 2.4, 0.26),
}

Row = dict[str, str | int | float]


def rows(count: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> Iterator[Row]:
    """The first `count` customers of `seed`, each with every one of `COLUMNS`; a larger count only adds rows."""
    random = Random(seed)
    # An odd factor walks through all seven-digit numbers before it repeats one: phones are unique.
    phone = random.randrange(10_000_000)
    for _ in range(count):
        phone = (phone + 3_141_593) % 10_000_000
        yield _customer(random, phone)


def write(path: Path, count: int = DEFAULT_ROWS, seed: int = DEFAULT_SEED) -> None:
    """The rows as CSV with a header, UTF-8, one line each; missing folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(count, seed))


def _customer(random: Random, phone: int) -> Row:
    voicemail = random.random() < 0.28
    row: Row = {
        "State": random.choice(_STATES),
        "Account Length": _count(random, mean=100, spread=40, least=1),
        "Area Code": random.choice(_AREA_CODES),
        "Phone": f"{phone // 10_000:03d}-{phone % 10_000:04d}",
        "Int'l Plan": "yes" if random.random() < 0.1 else "no",
        "VMail Plan": "yes" if voicemail else "no",
        "VMail Message": _count(random, mean=29, spread=8, least=1) if voicemail else 0,
    }
    for time, usage in _USAGE.items():
        minutes = round(max(0.0, random.gauss(usage.minutes, usage.minutes_spread)), 1)
        row[f"{time} Mins"] = minutes
        row[f"{time} Calls"] = _count(random, mean=usage.calls, spread=usage.calls_spread, least=1)
        row[f"{time} Charge"] = round(minutes * usage.charge_per_minute, 2)
    row["CustServ Calls"] = sum(random.random() < 0.19 for _ in range(9))
    leaves = _LEAVES_WITH_A_REASON if _has_a_reason_to_leave(row) else _LEAVES_WITHOUT
    row[TARGET] = LEAVES if random.random() < leaves else STAYS
    return row


def _has_a_reason_to_leave(row: Row) -> bool:
    charges = float(row["Day Charge"]) + float(row["Eve Charge"]) + float(row["Night Charge"])
    bill_shock = charges > _BILL_SHOCK and row["VMail Plan"] == "no"
    unheard = int(row["CustServ Calls"]) >= 4 and charges < _HARDLY_USED
    ill_served_abroad = row["Int'l Plan"] == "yes" and (int(row["Intl Calls"]) <= 2 or float(row["Intl Mins"]) > 13)
    return bill_shock or unheard or ill_served_abroad


def _count(random: Random, *, mean: float, spread: float, least: int) -> int:
    return max(least, round(random.gauss(mean, spread)))


def main() -> None:
    """Write the table to the path of the command line."""
    parser = argparse.ArgumentParser(prog="python -m local.sample", description="Write the sample churn table.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    arguments = parser.parse_args()
    write(arguments.path, arguments.rows, arguments.seed)


if __name__ == "__main__":
    main()
