"""Predictions on the embedded cloud: the API over a bare InvokeEndpoint and the SDK, under load, and beside a flood.

    python -m benchmarks --only predictions

The emulator's gateway, authorizer and Lambda are one Python process on this machine: what they cost says nothing of
AWS, where API Gateway and Lambda add some 10 ms. The handler's own time is ours on both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.stage import MODEL, Connection, Stage, staged
from local import REGION
from local.tenant_api import TenantApi

Document = dict[str, Any]
ROUNDS = {1: 60, 100: 40, 5000: 6}
OWN_TIME_ROUNDS = {1: 150, 100: 60, 5000: 5}
SECONDS = 5.0
CLIENTS = 8
TENANTS = 1000
PROCESS_SECONDS = 400


def quantiles(milliseconds: list[float]) -> Document:
    """Return the median and the 99th percentile (of few values: the worst)."""
    ordered = sorted(milliseconds)
    return {
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "requests": len(ordered),
    }


def timed(call: Callable[[], Any]) -> float:
    """Return how many milliseconds a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def latency(stage: Stage) -> Document:
    """Interleave the three ways, so that whatever else the machine does hits all of them."""
    runtime = stage.cloud.client("sagemaker-runtime", stage.account_id)
    api, predictor = Connection(stage.tenant), _predictor(stage)
    found: Document = {}
    for count, rounds in ROUNDS.items():
        body, lines = stage.json_body(count), stage.csv_body(count)

        def bare(lines: bytes = lines) -> None:
            runtime.invoke_endpoint(EndpointName=stage.endpoint, ContentType="text/csv", Body=lines)["Body"].read()

        def ours(body: bytes = body) -> None:
            if (status := api.predict(body)) != 200:
                raise RuntimeError(f"the API answered {status}")

        def sdk(lines: bytes = lines) -> None:
            predictor.predict(lines.decode())

        ways: dict[str, Callable[[], None]] = {"InvokeEndpoint": bare, "API": ours, "SDK": sdk}
        samples: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 2):
            for name, call in ways.items():
                spent = timed(call)
                if number >= 2:
                    samples[name].append(spent)
        found[str(count)] = {name: quantiles(values) for name, values in samples.items()}
    return found


def _predictor(stage: Stage) -> Any:
    """The SDK's way to the same endpoint, as the account's own root."""
    os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"
    os.environ["AWS_ENDPOINT_URL"] = stage.cloud.endpoint_url
    from sagemaker import Session  # noqa: PLC0415 - the SDK takes seconds to import
    from sagemaker.deserializers import StringDeserializer  # noqa: PLC0415
    from sagemaker.predictor import Predictor  # noqa: PLC0415
    from sagemaker.serializers import CSVSerializer  # noqa: PLC0415

    session = Session(boto_session=stage.cloud.session(stage.account_id, region=REGION), default_bucket="unused")
    return Predictor(
        stage.endpoint, sagemaker_session=session, serializer=CSVSerializer(), deserializer=StringDeserializer()
    )


def _many(calls: list[Callable[[], Any]], seconds: float) -> tuple[list[float], Counter[Any]]:
    """Repeat every call in a thread of its own for some seconds: milliseconds of each, and what they returned."""
    spent: list[float] = []
    returned: Counter[Any] = Counter()
    end = time.monotonic() + seconds

    def repeat(call: Callable[[], Any]) -> None:
        while time.monotonic() < end:
            began = time.perf_counter()
            status = call()
            spent.append((time.perf_counter() - began) * 1000)
            returned[status] += 1

    threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return spent, returned


def saturation(stage: Stage) -> Document:
    """Requests of one row per second with eight clients, through the API and to the endpoint itself."""
    body, lines = stage.json_body(1), stage.csv_body(1)
    runtime = stage.cloud.client("sagemaker-runtime", stage.account_id)
    apis = [Connection(stage.tenant) for _ in range(CLIENTS)]

    def bare() -> int:
        answer = runtime.invoke_endpoint(EndpointName=stage.endpoint, ContentType="text/csv", Body=lines)
        answer["Body"].read()
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    found: Document = {}
    calls: dict[str, list[Callable[[], int]]] = {
        "API": [lambda api=api: api.predict(body) for api in apis],  # type: ignore[misc]
        "InvokeEndpoint": [bare] * CLIENTS,
    }
    for name, ways in calls.items():
        _many(ways, 4.0)  # until there is a warm worker for each client
        spent, returned = _many(ways, SECONDS)
        found[name] = {
            "per_second": len(spent) / SECONDS,
            **quantiles(spent),
            "statuses": {str(status): count for status, count in returned.items()},
        }
    return found


def fairness(stage: Stage) -> Document:
    """A tenant's latency alone, and while its neighbour sends as fast as four clients can: without and with a quota."""
    body = stage.json_body(1)
    victim = Connection(stage.tenant)
    alone, _ = _many([lambda: victim.predict(body)], SECONDS)
    found: Document = {"alone": quantiles(alone)}
    neighbours = [Connection(stage.neighbour) for _ in range(4)]
    for name, limits in (("flood, quota of 50 per second", {}), ("flood, quota of 5 per second", FEW)):
        stage.platform.call("LimitTenantFunction", {"tenant": "neighbour", **limits})
        if limits:
            _until_refused(stage.neighbour, body, seconds=6.0)
        flood: list[Callable[[], Any]] = [lambda api=api: api.predict(body) for api in neighbours]  # type: ignore[misc]
        returned: list[Counter[Any]] = []
        flooding = threading.Thread(
            target=lambda flood=flood, returned=returned: returned.append(_many(flood, SECONDS + 1)[1])
        )  # type: ignore[misc]
        flooding.start()
        time.sleep(0.5)
        spent, statuses = _many([lambda: victim.predict(body)], SECONDS)
        flooding.join()
        found[name] = quantiles(spent) | {
            "p50_of_alone": statistics.median(spent) / statistics.median(alone),
            "statuses": {str(status): count for status, count in statuses.items()},
            "flood_statuses": {str(status): count for status, count in returned[0].items()},
        }
    return found


FEW = {"requests_per_second": 5}


def _until_refused(api: TenantApi, body: bytes, seconds: float) -> None:
    """Send until the quota is used up, so that the flood that follows is one of refusals, or the time is over."""
    connection, end = Connection(api), time.monotonic() + seconds
    while time.monotonic() < end and connection.predict(body) != 429:
        pass


def _in_process(stage: Stage, measure: str, request: Document) -> Document:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(request, file)
        file.flush()
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.warm_process", measure, file.name],
            env=os.environ | dict(stage.function_environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=PROCESS_SECONDS,
        )
    if finished.returncode:
        raise RuntimeError(finished.stderr[-2000:])
    found: Document = json.loads(finished.stdout.strip().splitlines()[-1])
    return found


def own_time(stage: Stage) -> Document:
    """What the handler does beside the call of the endpoint, by number of rows."""
    request = {
        "tenant": "bench",
        "model": MODEL,
        "bodies": {str(count): stage.json_body(count).decode() for count in OWN_TIME_ROUNDS},
        "counts": {str(count): rounds for count, rounds in OWN_TIME_ROUNDS.items()},
    }
    return _in_process(stage, "own-time", request)


def many_tenants(stage: Stage, count: int = TENANTS) -> Document:
    """Predict for a thousand tenants in one warm process.

    Their rows are copies of one tenant's: each has its own sessions, all of the same account and endpoint.
    """
    names = [f"many-{number:04}" for number in range(count)]
    table = stage.platform.outputs["RegistryTable"]
    dynamodb = stage.cloud.client("dynamodb")
    rows = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "TENANT#bench"}},
    )["Items"]
    kinds = ("TENANT", "MODEL#", "VERSION#", "LIMITS")
    copies = [
        row | {"pk": {"S": f"TENANT#{name}"}} | ({"tenant": {"S": name}} if "tenant" in row else {})
        for name in names
        for row in rows
        if row["sk"]["S"].startswith(kinds)
    ]
    for first in range(0, len(copies), 25):
        batch = [{"PutRequest": {"Item": row}} for row in copies[first : first + 25]]
        dynamodb.batch_write_item(RequestItems={table: batch})
    request = {"tenants": names, "model": MODEL, "body": stage.json_body(1).decode()}
    return _in_process(stage, "tenants", request) | _in_process(stage, "clients", {"clients": 50, "sessions": 10})


def measure(meanwhile: Callable[[], Any], keep: Callable[[Document], None]) -> Document:
    """Measure all of it on one cloud, and `keep` what is found so far after each part.

    It begins once `meanwhile` has ended, which may use the time in which the models are trained.
    """
    began = time.monotonic()
    found: Document = {}
    with staged() as stage:
        meanwhile()
        found["set_up_seconds"] = time.monotonic() - began
        parts = (own_time, latency, saturation, fairness, many_tenants)
        for part in parts:
            started = time.monotonic()
            found[part.__name__] = part(stage)
            keep(found)
            print(f"  {part.__name__}: {time.monotonic() - started:.0f} s", flush=True)
    own = found["own_time"]
    for rows, ways in found["latency"].items():
        bare = ways["InvokeEndpoint"]
        ways["API"]["p50_of_bare"] = ways["API"]["p50_ms"] / bare["p50_ms"]
        ways["API"]["p99_of_bare"] = ways["API"]["p99_ms"] / bare["p99_ms"]
        own[rows]["own_of_bare_p50"] = own[rows]["own_wall_ms"] / bare["p50_ms"]
    return found
