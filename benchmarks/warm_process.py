"""The predict function in a process of its own, as Lambda keeps one warm: its own time, and a thousand tenants.

    python -m benchmarks.warm_process own-time REQUEST.json       (with the function's environment)
    python -m benchmarks.warm_process refusal REQUEST.json
    python -m benchmarks.warm_process tenants REQUEST.json

Prints JSON. "Own time" is the handler's, less the call of the endpoint; wall and CPU time of the median. Between its
requests the same process sends the same rows to the endpoint itself, so that both meet the same machine.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class _Context:
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "bench"


def event(tenant: str, model: str, body: bytes) -> Document:
    """A request as API Gateway hands it over."""
    return {
        "requestContext": {"authorizer": {"tenant": tenant}},
        "pathParameters": {"model": model},
        "headers": {"content-type": "application/json"},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def resident_megabytes() -> float:
    """What this process holds in memory now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def own_time(request: Document) -> Document:
    """Measure `{"tenant", "model", "bodies": {rows: body}, "lines": {rows: CSV}, "counts": {rows: n}, "endpoint",
    "account_keys"}`: milliseconds by number of rows, and the share of it that counting for drift takes: what each
    request adds, and what a write of the bins takes beyond one without, as if every write were due by calls alone.
    """
    import boto3  # noqa: PLC0415 - as below

    from functions.api.predict import handler  # noqa: PLC0415 - importing is part of what is measured elsewhere
    from tenantml.services import binned, serving  # noqa: PLC0415

    invoke, spent = serving.invoke, [0.0, 0.0]
    counting, binned.FLUSH_SECONDS = _timed(binned.Binned, "count"), 0

    def timed_invoke(*arguments: Any) -> bytes:
        began = time.perf_counter(), time.thread_time()
        try:
            return invoke(*arguments)
        finally:
            spent[0] += time.perf_counter() - began[0]
            spent[1] += time.thread_time() - began[1]

    serving.invoke = timed_invoke
    keys = request["account_keys"]
    bare = boto3.Session(
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_REGION"]
    ).client("sagemaker-runtime")
    found: Document = {}
    for rows, body in request["bodies"].items():
        call = event(request["tenant"], request["model"], body.encode())
        samples: list[tuple[float, ...]] = []
        counting.clear()
        for number in range(request["counts"][rows] + 3):
            spent[:] = 0.0, 0.0
            began = time.perf_counter(), time.thread_time()
            answer = handler(call, _Context())
            wall, cpu = time.perf_counter() - began[0] - spent[0], time.thread_time() - began[1] - spent[1]
            if answer["statusCode"] != 200:
                raise RuntimeError(answer["body"])
            began = time.perf_counter(), time.thread_time()
            bare.invoke_endpoint(EndpointName=request["endpoint"], ContentType="text/csv", Body=request["lines"][rows])[
                "Body"
            ].read()
            if number >= 3:
                samples.append((wall, cpu, time.perf_counter() - began[0], spent[0]))
        wall_ms, cpu_ms, bare_ms, invoke_ms = (
            statistics.median(column) * 1000 for column in zip(*samples, strict=True)
        )
        found[rows] = {
            "own_wall_ms": wall_ms,
            "own_cpu_ms": cpu_ms,
            "bare_wall_ms": bare_ms,
            "invoke_wall_ms": invoke_ms,
            "own_of_bare_p50": wall_ms / bare_ms,
        }
        drift_ms = statistics.mean(counting) * 1000
        found[rows] |= {"drift_cpu_ms": drift_ms, "drift_of_own": drift_ms / cpu_ms}
    return found


def _timed(owner: type, name: str) -> list[float]:
    """Have a method timed: CPU seconds of each call."""
    method = getattr(owner, name)
    spent: list[float] = []

    def timed(*arguments: Any) -> Any:
        began = time.thread_time()
        try:
            return method(*arguments)
        finally:
            spent.append(time.thread_time() - began)

    setattr(owner, name, timed)
    return spent


def refusal(request: Document) -> Document:
    """Send `{"tenant", "model", "body", "count"}` past the tenant's rate: what a refused request costs."""
    from functions.api.predict import handler  # noqa: PLC0415 - as above
    from tenantml.services import tenant_scope  # noqa: PLC0415

    calls, refused, spent = [0], [0], []
    call = event(request["tenant"], request["model"], request["body"].encode())
    handler(call, _Context())
    with tenant_scope.scoped_to(request["tenant"]):
        events = tenant_scope.dynamodb().meta.events
    events.register("before-send", lambda **_: calls.__setitem__(0, calls[0] + 1))
    while len(spent) < request["count"]:
        before, began = calls[0], time.thread_time()
        answer = handler(call, _Context())
        cpu = time.thread_time() - began
        if answer["statusCode"] == 429:
            spent.append(cpu * 1000)
            refused[0] += calls[0] - before
    return {"refusal_cpu_ms": statistics.median(spent), "calls_per_refusal": refused[0] / len(spent)}


def tenants(request: Document) -> Document:
    """Predict for each of `{"tenants", "model", "body"}`, then for each tenth again: memory on the way, in MB."""
    from functions.api.predict import handler  # noqa: PLC0415 - as above

    def predict(tenant: str) -> None:
        answer = handler(event(tenant, request["model"], request["body"].encode()), _Context())
        if answer["statusCode"] != 200:
            raise RuntimeError(answer["body"])

    marks: dict[int, float] = {0: resident_megabytes()}
    predict(request["tenants"][0])
    began = time.perf_counter()
    # Lambda gives a process one request at a time; three make the emulator and this process work at the same time.
    with ThreadPoolExecutor(3) as pool:
        for number, _ in enumerate(pool.map(predict, request["tenants"]), 1):
            if number in {1, 10, 50, 100, 250, 500, 750, 1000}:
                marks[number] = resident_megabytes()
        seconds = time.perf_counter() - began
        list(pool.map(predict, request["tenants"][::10]))
    marks[-1] = resident_megabytes()
    last = len(request["tenants"])
    return {
        "resident_mb_after_tenants": {str(number): value for number, value in marks.items() if number >= 0},
        "resident_mb_after_second_round": marks[-1],
        "kb_per_tenant": (marks[-1] - marks[min(100, last)]) * 1024 / max(1, last - 100),
        "first_round_seconds": seconds,
    }


def clients(request: Document) -> Document:
    """What keeping a boto3 client, or a session, for each of `{"clients", "sessions"}` tenants would hold instead."""
    import boto3  # noqa: PLC0415 - as above

    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "aws_session_token": "x"}
    shared = boto3.Session(region_name="us-east-1")
    first = shared.client("sagemaker-runtime", **keys)
    before = resident_megabytes()
    each_client = [shared.client("sagemaker-runtime", **keys) for _ in range(request["clients"])]
    between = resident_megabytes()
    each_session = [
        boto3.Session(region_name="us-east-1", **keys).client("sagemaker-runtime") for _ in range(request["sessions"])
    ]
    after = resident_megabytes()
    del first, each_client, each_session
    return {
        "kb_per_client": (between - before) * 1024 / request["clients"],
        "kb_per_session": (after - between) * 1024 / request["sessions"],
    }


if __name__ == "__main__":
    measure = {"own-time": own_time, "refusal": refusal, "tenants": tenants, "clients": clients}[sys.argv[1]]
    found = measure(json.loads(Path(sys.argv[2]).read_text()))
    sys.__stdout__.write(f"\n{json.dumps(found)}\n")
