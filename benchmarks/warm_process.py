"""The predict function in a process of its own, as Lambda keeps one warm: its own time, and a thousand tenants.

    python -m benchmarks.warm_process own-time REQUEST.json       (with the function's environment)
    python -m benchmarks.warm_process tenants REQUEST.json

Prints JSON. "Own time" is the handler's, less the call of the endpoint; wall and CPU time of the median.
"""

from __future__ import annotations

import base64
import gc
import json
import statistics
import sys
import time
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
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def resident_megabytes() -> float:
    """What this process holds in memory now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def own_time(request: Document) -> Document:
    """Measure `{"tenant", "model", "bodies": {rows: body}, "counts": {rows: n}}`: milliseconds by number of rows."""
    from functions.predict.app import handler  # noqa: PLC0415 - importing is part of what is measured elsewhere
    from tenantml.aws import serving  # noqa: PLC0415

    invoke, spent = serving.invoke, [0.0, 0.0]

    def timed_invoke(*arguments: Any) -> bytes:
        began = time.perf_counter(), time.thread_time()
        try:
            return invoke(*arguments)
        finally:
            spent[0] += time.perf_counter() - began[0]
            spent[1] += time.thread_time() - began[1]

    serving.invoke = timed_invoke
    found: Document = {}
    for rows, body in request["bodies"].items():
        call = event(request["tenant"], request["model"], body.encode())
        samples: list[tuple[float, float, float]] = []
        for number in range(request["counts"][rows] + 3):
            spent[:] = 0.0, 0.0
            began = time.perf_counter(), time.thread_time()
            answer = handler(call, _Context())
            wall, cpu = time.perf_counter() - began[0] - spent[0], time.thread_time() - began[1] - spent[1]
            if answer["statusCode"] != 200:
                raise RuntimeError(answer["body"])
            if number >= 3:
                samples.append((wall * 1000, cpu * 1000, spent[0] * 1000))
        wall_ms, cpu_ms, invoke_ms = (statistics.median(column) for column in zip(*samples, strict=True))
        found[rows] = {"own_wall_ms": wall_ms, "own_cpu_ms": cpu_ms, "invoke_wall_ms": invoke_ms}
    return found


def tenants(request: Document) -> Document:
    """Predict once for each of `{"tenants", "model", "body"}`, then once more: memory on the way, in MB."""
    from functions.predict.app import handler  # noqa: PLC0415 - as above

    marks: dict[int, float] = {0: resident_megabytes()}
    seconds = []
    for turn in range(2):
        began = time.perf_counter()
        for number, tenant in enumerate(request["tenants"][:: 1 if not turn else 4], 1):
            answer = handler(event(tenant, request["model"], request["body"].encode()), _Context())
            if answer["statusCode"] != 200:
                raise RuntimeError(answer["body"])
            if not turn and number in {1, 10, 50, 100, 250, 500, 750, 1000}:
                marks[number] = resident_megabytes()
        seconds.append(time.perf_counter() - began)
    marks[-1] = resident_megabytes()
    last = len(request["tenants"])
    return {
        "resident_mb_after_tenants": {str(number): value for number, value in marks.items() if number >= 0},
        "resident_mb_after_second_round": marks[-1],
        "kb_per_tenant": (marks[-1] - marks[min(100, last)]) * 1024 / max(1, last - 100),
        "first_round_seconds": seconds[0],
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
    measure = {"own-time": own_time, "tenants": tenants, "clients": clients}[sys.argv[1]]
    found = measure(json.loads(Path(sys.argv[2]).read_text()))
    sys.__stdout__.write(f"\n{json.dumps(found)}\n")
