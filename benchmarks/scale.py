"""How long a round of upkeep takes at 100, 1,000 and 10,000 tenants, in one function as it was and through the queue.

    python -m benchmarks.scale [--tenants 10000] [--concurrency 32] [--really 200]

The real functions are run once for a tenant on the embedded cloud, and the calls of each are counted from its trail.
Then a simulated clock plays a whole round: each call takes a typical latency, services admit no more calls a second
than their quotas, the queue hands out one message of an account at a time. `--really` runs a round of so many tenants.
"""

from __future__ import annotations

import argparse
import heapq
import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.__main__ import table
from benchmarks.orchestration import wait_for_upkeep
from local import SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.inventory import record_calls
from local.onboard import onboard
from local.platform import WAIT_SCALE, Platform

Calls = Counter[str]

SIZES = (100, 1_000, 10_000)
HOUR_SECONDS = 3600
BUDGET_SECONDS = 780  # of the one function that did it all
TENANTS_OF_LARGEST = 100  # in one account; every other has its own
FUNCTIONS = {"probe": "ProbeTenantFunction", "sweep": "SweepTenantFunction", "drift": "CheckDriftFunction"}
BATCH = 10

# Typical seconds of one call within a region, connection open; assumed generously, since AWS promises none.
SECONDS = {"dynamodb": 0.006, "dynamodb:TransactWriteItems": 0.025, "sts": 0.060, "sqs": 0.015, "lambda": 0.020}
OTHER_SECONDS = 0.120  # SageMaker, IAM, S3, EC2 and so on in the customer's account, to be answered or refused
OWN_SECONDS = {"probe": 0.5, "sweep": 0.5, "drift": 0.1}  # of a function itself: signing, parsing, TLS to new hosts
COLD_SECONDS = 1.5  # once in each environment
# Calls a second in one account. STS: "IAM and AWS STS quotas"; SQS: FIFO without high throughput, "Amazon SQS message
# quotas"; DynamoDB: writes that a new on-demand table takes at once, "DynamoDB on-demand capacity mode".
QUOTAS = {"sts": 600, "sqs": 300, "dynamodb": 4_000}


def seconds_of(calls: Calls) -> float:
    """Return how long these calls take, one after another."""
    return sum(
        count * SECONDS.get(name, SECONDS.get(name.split(":")[0], OTHER_SECONDS)) for name, count in calls.items()
    )


def by_service(calls: Calls) -> Calls:
    """Return how many calls each service of our own account gets."""
    found: Calls = Counter()
    for name, count in calls.items():
        found[name.split(":")[0]] += count
    return Counter({name: found[name] for name in QUOTAS})


def calls_since(cloud: EmbeddedCloud, accounts: tuple[str, ...], began: float) -> Calls:
    """Count what roles have called in these accounts since a time."""
    found: Calls = Counter()
    for account in accounts:
        trail, seen, until = cloud.client("cloudtrail", account), set[str](), time.time()
        while True:
            page = trail.lookup_events(StartTime=began, EndTime=until)["Events"]
            fresh = [event for event in page if event["EventId"] not in seen]
            if not fresh:
                break
            seen |= {event["EventId"] for event in fresh}
            until = page[-1]["EventTime"].timestamp()
            for event in fresh:
                if event.get("AccessKeyId", "").startswith("ASIA"):
                    service, operation = event["EventSource"].partition(".")[0], event["EventName"]
                    found[f"{service}:{operation}" if operation == "TransactWriteItems" else service] += 1
    return found


def measure(tenants: int) -> tuple[dict[str, Calls], float | None]:
    """Count the calls of each kind's function for one tenant; with more tenants, also time a real round of them all."""
    with TemporaryDirectory() as folder, EmbeddedCloud(Path(folder), wait_scale=WAIT_SCALE) as cloud:
        platform = Platform.deploy(cloud)
        account = "222222222222"
        for number in range(max(2, tenants)):
            onboard(platform, f"t{number:04}", account if number < 2 else f"{300_000_000_000 + number % 40}", "a@b.c")
        record_calls(cloud)
        counted = {}
        for kind, function in FUNCTIONS.items():
            began = time.time()
            _invoke(platform, function, {"tenant": "t0000"})
            counted[kind] = calls_since(cloud, (SAAS_ACCOUNT, account), began)
        return counted, _round(platform) if tenants > 2 else None


def _invoke(platform: Platform, function: str, event: Mapping[str, str]) -> Any:
    named = {"StackName": platform.name, "LogicalResourceId": function}
    found = platform.client("cloudformation").describe_stack_resource(**named)["StackResourceDetail"]
    answer = platform.client("lambda").invoke(FunctionName=found["PhysicalResourceId"], Payload=json.dumps(event))
    document = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RuntimeError(f"{function}: {document}")
    return document


def _round(platform: Platform) -> float:
    """Run a round, and return its seconds."""
    began = time.monotonic()
    _invoke(platform, "DispatchUpkeepFunction", {})
    wait_for_upkeep(platform)
    return time.monotonic() - began


class Quotas:
    """What each service of our own account still admits, on a clock of its own."""

    def __init__(self) -> None:
        self._free_at = dict.fromkeys(QUOTAS, 0.0)
        self.calls: Calls = Counter()

    def admit(self, calls: Calls, at: float) -> float:
        """Return from when on the services take all these calls."""
        for name, count in calls.items():
            self._free_at[name] = max(self._free_at[name], at) + count / QUOTAS[name]
            self.calls[name] += count
        return max(at, *(free - 1 for free in self._free_at.values()))  # a second's worth may come at once


def in_one_function(counted: Mapping[str, Calls], tenants: int) -> dict[str, float]:
    """How it was: a function an hour for each kind, which reads all tenants, and then does one after another."""
    listing = 2 * tenants * SECONDS["dynamodb"]
    each = seconds_of(counted["probe"]) + OWN_SECONDS["probe"]
    in_an_hour = max(0.0, (BUDGET_SECONDS - listing) / each)
    return {"done an hour": min(tenants, in_an_hour), "hours": max(1, tenants / in_an_hour) if in_an_hour else 0}


def through_the_queue(counted: Mapping[str, Calls], tenants: int, concurrency: int) -> dict[str, float]:
    """Play a round through the queue, and return when its last probe and its last message are done."""
    kinds = ("probe", "sweep")
    quotas, groups = Quotas(), dict[str, deque[tuple[float, str]]]()
    sent = 0.0
    for number in range(tenants):
        account = "largest" if number < min(TENANTS_OF_LARGEST, tenants // 10) else f"account-{number}"
        due = [*kinds, "drift"] if number % 24 == 0 else kinds
        sent += SECONDS["dynamodb"] + len(due) / BATCH * SECONDS["sqs"]
        for kind in due:
            group = f"tenant-{number}" if kind == "drift" else account
            groups.setdefault(group, deque()).append((sent, kind))
    blocked = [(messages[0][0], group) for group, messages in groups.items()]  # until when, and whose turn is next
    heapq.heapify(blocked)
    free: list[tuple[float, str]] = []  # groups that a message can be taken of, by when it was sent
    workers, done, probed = [0.0] * concurrency, 0.0, 0.0
    cold = concurrency
    while blocked or free:
        at = heapq.heappop(workers)
        if not free:
            at = max(at, blocked[0][0])
        while blocked and blocked[0][0] <= at:
            _, group = heapq.heappop(blocked)
            heapq.heappush(free, (groups[group][0][0], group))
        _, group = heapq.heappop(free)
        _, kind = groups[group].popleft()
        own = OWN_SECONDS[kind] + SECONDS["lambda"] + (COLD_SECONDS if cold > 0 else 0)
        cold -= 1
        began = quotas.admit(by_service(counted[kind]) + Counter({"sqs": 3}), at)
        ended = began + seconds_of(counted[kind]) + own
        heapq.heappush(workers, ended)
        done, probed = max(done, ended), max(probed, ended if kind == "probe" else 0)
        if groups[group]:
            heapq.heappush(blocked, (ended, group))
    peak = {name: count / done for name, count in quotas.calls.items()}
    return {"dispatched": sent, "probed": probed, "done": done, **peak}


def main() -> None:
    """Measure, play, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=SIZES[-1])
    parser.add_argument("--concurrency", type=int, default=32, help="UpkeepConcurrency")
    parser.add_argument(
        "--really", type=int, default=0, metavar="TENANTS", help="also run a round on the embedded cloud"
    )
    asked = parser.parse_args()
    counted, real = measure(asked.really)
    table(
        "Calls for one tenant",
        ("", "calls", "STS", "DynamoDB", "seconds"),
        [
            (kind, calls.total(), calls["sts"], by_service(calls)["dynamodb"], seconds_of(calls) + OWN_SECONDS[kind])
            for kind, calls in counted.items()
        ],
    )
    sizes = sorted({*(size for size in SIZES if size <= asked.tenants), asked.tenants})
    before = [in_one_function(counted, size) for size in sizes]
    table(
        "Before: one function, probes only",
        ("tenants", "probed an hour", "hours until all are"),
        [
            (size, round(found["done an hour"]), found["hours"] or "never")
            for size, found in zip(sizes, before, strict=True)
        ],
    )
    rows: list[tuple[object, ...]] = []
    for size in sizes:
        for concurrency in sorted({4, asked.concurrency}):
            found = through_the_queue(counted, size, concurrency)
            minutes = [found[name] / 60 for name in ("dispatched", "probed", "done")]
            kept = "yes" if found["done"] <= HOUR_SECONDS else "no"
            rates = [found[name] / QUOTAS[name] * 100 for name in ("sts", "sqs", "dynamodb")]
            rows.append((size, concurrency, *minutes, kept, *rates))
    header = (
        "tenants",
        "at once",
        "queued min",
        "probed min",
        "done min",
        "in the hour",
        "STS %",
        "SQS %",
        "DynamoDB %",
    )
    table("After: through the queue; % of the quota, on average", header, rows)
    if real is not None:
        print(f"\n  a real round of {asked.really} tenants in 40 accounts on the embedded cloud: {real:.0f} s")


if __name__ == "__main__":
    main()
