"""Which quota of AWS binds first: `python -m benchmarks.capacity [--tenants N] [--uploads-per-day …]` prints the tables
of docs/capacity.md, for the tenants that you have.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Iterable

from benchmarks.load_model import BUSIEST, Load
from benchmarks.quotas import BY_ITSELF, QUOTAS, Quota

SIZES = (100, 1_000, 10_000)
USED_WELL = 0.7  # of a quota: where the alarms are
MOST = 1_000_000_000  # tenants; what binds beyond never does
Row = tuple[str, ...]


def binds_at(quota: Quota, load: Load, default: float) -> float:
    """Return how many tenants take all of a quota, each doing what a tenant of `load` does."""
    least, most = 1.0, float(MOST)
    if quota.taken(dataclasses.replace(load, tenants=most)) < default:
        return math.inf
    while most / least > 1.001:
        middle = math.sqrt(least * most)
        is_enough = quota.taken(dataclasses.replace(load, tenants=middle)) < default
        least, most = (middle, most) if is_enough else (least, middle)
    return most


def to_ask_for(quota: Quota, load: Load) -> float | None:
    """Return the quota that leaves a reserve under this load, None when the default does."""
    wanted = quota.taken(load) / USED_WELL
    return None if wanted <= quota.default else wanted


def shared(load: Load) -> str:
    """Return the quotas that all tenants share as a table, those that bind first at the top."""
    header = ("quota", "default", "what takes of it", "binds at", *(f"ask for at {size:,}" for size in SIZES), "alarm")
    ordered = sorted(QUOTAS, key=lambda quota: binds_at(quota, load, quota.default))
    return _table(header, [_shared(quota, load) for quota in ordered])


def _shared(quota: Quota, load: Load) -> Row:
    default, at = f"{quota.default:,.0f}{quota.unit}", _tenants(binds_at(quota, load, quota.default))
    if quota.smallest is not None:
        default += f"; {quota.smallest:,.0f} elsewhere"
        at += f"; {_tenants(binds_at(quota, load, quota.smallest))} there"
    asked = (to_ask_for(quota, dataclasses.replace(load, tenants=size)) for size in SIZES)
    wanted = ("" if each is None else _rounded(each) if quota.is_adjustable else "fixed" for each in asked)
    name = f"{quota.service}: [{quota.name}]({quota.source})"
    return (name, default, quota.by, at, *wanted, quota.alarm)


def alone() -> str:
    """Return the limits that a tenant, a model or a request meets by itself as a table."""
    rows = [
        (
            f"{each.service}: [{each.name}]({each.source})",
            f"{each.limit:,.0f}{each.unit}",
            f"{each.taken:,.0f}{each.unit}",
            f"{each.taken / each.limit:.0%}",
            each.by,
        )
        for each in BY_ITSELF
    ]
    return _table(("limit", "AWS", "at most here", "share", "by"), rows)


def choices(load: Load) -> str:
    """Return what a load assumes, in words."""
    return (
        f"{load.uploads_per_day:g} upload a day and tenant, {load.share_of_busiest_hour:.0%} of a day's in its busiest "
        f"hour and {load.share_of_busiest_minute:.0%} of those in one minute, files of {load.file_bytes / 1e6:.0f} MB; "
        f"{load.predictions_per_second:g} predictions a second and tenant in that hour, of "
        f"{load.prediction_seconds * 1000:.0f} ms each. The busiest tenant: {BUSIEST.predictions_per_second:,.0f} "
        f"predictions a second, {BUSIEST.uploads * 3600:.0f} uploads in an hour."
    )


def _tenants(number: float) -> str:
    return "never" if number == math.inf else _rounded(number)


def _rounded(number: float) -> str:
    """Two digits, which is more than these numbers are worth; upwards."""
    step = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"{math.ceil(number / step) * step:,}"


def _table(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the tables for a load of one's own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=main.__doc__)
    for field in dataclasses.fields(Load):
        default = 1_000.0 if field.name == "tenants" else field.default
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=default)
    load = Load(**vars(parser.parse_args()))
    print(f"{load.tenants:,.0f} tenants. {choices(load)}\n\n{shared(load)}\n\n{alone()}")
    for quota in QUOTAS:
        print(f"{quota.service}, {quota.name}: {quota.taken(load) / quota.default:.1%} of the default")


if __name__ == "__main__":
    main()
