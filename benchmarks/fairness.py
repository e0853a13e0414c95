"""Does a tenant wait for its neighbour's flood? Requests at a fixed pace, whatever the answers take (open loop).

The flood is past its rate, so that all but what the rate allows is refused. It is 20 requests a second, twenty times
its rate, because the emulator's gateway, authorizer and Lambda share two cores with the clients: more would measure how
these are shared. Blocks with and without the flood alternate, so that a machine that gets busier does so for both.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

from benchmarks.stage import Connection, Stage

Document = dict[str, Any]
AIM = 1.2  # of the median alone
PER_SECOND = 10.0
FLOOD_PER_SECOND = 20.0
FLOOD_LIMITS = {"requests_per_second": 1}
BLOCKS = 5
BLOCK_SECONDS = 3.0
WARM_UP_SECONDS = 4.0


def paced(connections: Sequence[Connection], body: bytes, per_second: float, seconds: float) -> Document:
    """Send at a pace: milliseconds from when each request was due to its answer, and the statuses."""
    began, lock = time.monotonic(), threading.Lock()
    due = iter([began + number / per_second for number in range(int(per_second * seconds))])
    milliseconds: list[float] = []
    statuses: Counter[int] = Counter()

    def send(connection: Connection) -> None:
        while True:
            with lock:
                at = next(due, None)
            if at is None:
                return
            time.sleep(max(0.0, at - time.monotonic()))
            status = connection.predict(body)
            spent = (time.monotonic() - at) * 1000
            with lock:
                milliseconds.append(spent)
                statuses[status] += 1

    threads = [threading.Thread(target=send, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"milliseconds": milliseconds, "statuses": statuses}


def measure(stage: Stage) -> Document:
    """Return a tenant's latencies alone and beside the flood, their ratio, and whether the aim is met."""
    stage.platform.call("LimitTenantFunction", {"tenant": "neighbour", **FLOOD_LIMITS})
    body = stage.json_body(1)
    tenant = [Connection(stage.tenant) for _ in range(2)]
    neighbour = [Connection(stage.neighbour) for _ in range(4)]
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    flood: Counter[int] = Counter()

    def block(seconds: float) -> list[float]:
        returned: list[Document] = []
        flooding = threading.Thread(
            target=lambda: returned.append(paced(neighbour, body, FLOOD_PER_SECOND, seconds)),
        )
        flooding.start()
        found: list[float] = paced(tenant, body, PER_SECOND, seconds)["milliseconds"]
        flooding.join()
        flood.update(returned[0]["statuses"])
        return found

    block(WARM_UP_SECONDS)  # the processes that the flood needs are started, and its rate is used up
    flood.clear()
    for _ in range(BLOCKS):
        alone.append(paced(tenant, body, PER_SECOND, BLOCK_SECONDS)["milliseconds"])
        beside.append(block(BLOCK_SECONDS))
    without_flood, with_flood = (quantiles(list(chain(*blocks))) for blocks in (alone, beside))
    ratio = with_flood["p50_ms"] / without_flood["p50_ms"]
    return {
        "alone": without_flood,
        "beside the flood": with_flood,
        "p50_of_alone": ratio,
        "p50_of_alone_by_block": [
            statistics.median(blocks[0]) / statistics.median(blocks[1]) for blocks in zip(beside, alone, strict=True)
        ],
        "flood_per_second": FLOOD_PER_SECOND,
        "flood_statuses": {str(status): count for status, count in flood.items()},
        "aim": AIM,
        "is_met": ratio <= AIM,
    }


def quantiles(milliseconds: Sequence[float]) -> Document:
    """Return the median and the 99th percentile (of few values: the worst)."""
    ordered = sorted(milliseconds)
    return {
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "requests": len(ordered),
    }
