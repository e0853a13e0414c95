"""Predictions on the embedded cloud: the API over a bare InvokeEndpoint and the SDK, under load, and beside a flood.

    python -m benchmarks --only predictions
    python -m benchmarks --only reading       the reader of JSON alone, without a cloud, in seconds

The emulator's gateway, authorizer and Lambda are one Python process on this machine: what they cost says nothing of
AWS, where API Gateway and Lambda add some 10 ms. The handler's own time is ours on both.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks import fairness
from benchmarks.fairness import quantiles
from benchmarks.stage import MODEL, Connection, Stage, staged
from local import REGION
from tenantml.domain.predictions import rows
from tenantml.services.registry import keys

Document = dict[str, Any]
ROUNDS = {1: 60, 100: 40, 5000: 4}
OWN_TIME_ROUNDS = {1: 80, 100: 400, 5000: 4}
REFUSALS = 300
SECONDS = 3.0
WARM_UP_SECONDS = 2.0
WARM_UP_TURNS = 3
CLIENTS = 8
TENANTS = 1000
PROCESS_SECONDS = 400


TABLES = ((10_000, 10), (1_000, 100), (100, 1_000), (10_000, 101), (300, 2_000), (100, 20))  # rows, columns
CELLS = 100_000  # in tables of at most so many, every kind of column is measured alone, too
MIXED = ("number", "integer", "category", "date", "number", "boolean", "integer", "text", "number", "datetime")


def reading() -> list[Document]:
    """Read JSON requests beside `json.loads`, in turns: tables of all types of columns, and of each kind alone. CPU
    milliseconds, the median of several, and the median of the ratios of each turn.
    """
    found = []
    for row_count, column_count in TABLES:
        alone = [(kind,) for kind in _cells(random.Random(7))] if row_count * column_count == CELLS else []
        for kinds in (MIXED, *alone):
            body, schema = _request(row_count, column_count, kinds)
            loads, ours = [], []
            for _ in range(11 if row_count * column_count >= CELLS else 50):
                for spent, call in (
                    (loads, lambda body=body: json.loads(body)),
                    (ours, lambda body=body, schema=schema: rows.read_json(body, schema, max_rows=10_000)),
                ):
                    began = time.thread_time()
                    call()
                    spent.append((time.thread_time() - began) * 1000)
            found.append(
                {
                    "kind": kinds[0] if len(kinds) == 1 else "mixed",
                    "rows": row_count,
                    "columns": column_count,
                    "loads_cpu_ms": statistics.median(loads),
                    "cpu_ms": statistics.median(ours),
                    "of_loads": statistics.median([own / bare for own, bare in zip(ours, loads, strict=True)]),
                }
            )
    return found


def _cells(draw: random.Random) -> dict[str, Callable[[], Any]]:
    """Return what makes a cell of each kind of column; a kind is a type, or how its texts are."""

    def day() -> str:
        return f"20{draw.randint(10, 24)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"

    def time_of_day() -> str:
        return f"{draw.randint(10, 23)}:{draw.randint(10, 59)}"

    return {
        "number": lambda: round(draw.gauss(40_000, 9_000), 2),
        "integer": lambda: draw.randint(0, 5_000),
        "category": lambda: draw.choice(("basic", "plus", "pro")),
        "date": day,
        "boolean": lambda: draw.random() < 0.5,
        "text": lambda: f"note {draw.getrandbits(40):x}, of a customer",
        "text with quotes": lambda: f'note "{draw.getrandbits(40):x}", of a customer',
        "datetime": lambda: f"{day()} {time_of_day()}",
        "datetime with seconds": lambda: f"{day()}T{time_of_day()}:{draw.randint(10, 59)}Z",
    }


def _request(row_count: int, column_count: int, kinds: tuple[str, ...]) -> tuple[bytes, rows.Schema]:
    cells = _cells(random.Random(7))
    columns = [{"name": f"column {n}", "kind": kinds[n % len(kinds)]} for n in range(column_count)]
    table = [{column["name"]: cells[column["kind"]]() for column in columns} for _ in range(row_count)]
    described = [{"name": column["name"], "type": column["kind"].split(" ")[0]} for column in columns]
    profile = {"target": {"column": "target"}, "columns": described}
    return json.dumps({"rows": table}).encode(), rows.Schema.from_profile(profile)


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
        best = 0
        for _ in range(WARM_UP_TURNS):  # until there is a warm process for each client, and one more brings nothing
            answered = len(_many(ways, WARM_UP_SECONDS)[0])
            if answered < best * 1.05:
                break
            best = max(best, answered)
        spent, returned = _many(ways, SECONDS)
        found[name] = {
            "per_second": len(spent) / SECONDS,
            **quantiles(spent),
            "statuses": {str(status): count for status, count in returned.items()},
        }
    return found


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
    """What the handler does beside the call of the endpoint, by number of rows, and bare calls between."""
    request = {
        "tenant": "bench",
        "model": MODEL,
        "bodies": {str(count): stage.json_body(count).decode() for count in OWN_TIME_ROUNDS},
        "lines": {str(count): stage.csv_body(count).decode() for count in OWN_TIME_ROUNDS},
        "counts": {str(count): rounds for count, rounds in OWN_TIME_ROUNDS.items()},
        "endpoint": stage.endpoint,
        "account_keys": stage.cloud.environment(stage.account_id),
    }
    return _in_process(stage, "own-time", request)


def refusal(stage: Stage) -> Document:
    """What a request past its tenant's rate costs the handler: CPU time, and calls of AWS."""
    request = {"tenant": "neighbour", "model": MODEL, "body": stage.json_body(1).decode(), "count": REFUSALS}
    return _in_process(stage, "refusal", request)


def many_tenants(stage: Stage, count: int = TENANTS) -> Document:
    """Predict for a thousand tenants in one warm process.

    Their rows are copies of one tenant's: each has its own sessions, all of the same account and endpoint.
    """
    names = [f"many-{number:04}" for number in range(count)]
    table = stage.platform.outputs["RegistryTable"]
    dynamodb = stage.cloud.client("dynamodb")
    kinds = ("ACCOUNT", "MODEL#", "VERSION#")
    own = [
        row
        for of in (keys.tenant, keys.of_tenant)
        for row in dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": of("bench").pk}},
        )["Items"]
        if row["sk"]["S"].startswith(kinds)
    ]
    copies = [
        row
        | {"pk": {"S": row["pk"]["S"].replace("#bench", f"#{name}")}}
        | ({"tenant": {"S": name}} if "tenant" in row else {})
        for name in names
        for row in own
    ]
    for first in range(0, len(copies), 25):
        batch = [{"PutRequest": {"Item": row}} for row in copies[first : first + 25]]
        dynamodb.batch_write_item(RequestItems={table: batch})
    request = {"tenants": names, "model": MODEL, "body": stage.json_body(1).decode()}
    return _in_process(stage, "tenants", request) | _in_process(stage, "clients", {"clients": 40, "sessions": 6})


def measure(meanwhile: Callable[[], Any], keep: Callable[[Document], None]) -> Document:
    """Measure all of it on one cloud, and `keep` what is found so far after each part.

    It begins once `meanwhile` has ended, which may use the time in which the models are trained.
    """
    began = time.monotonic()
    found: Document = {"reading": reading()}
    with staged() as stage:
        meanwhile()
        found["set_up_seconds"] = time.monotonic() - began
        parts: dict[str, Callable[[Stage], Document]] = {
            "own_time": own_time,
            "latency": latency,
            "saturation": saturation,
            "fairness": fairness.measure,
            "refusal": refusal,
            "many_tenants": many_tenants,
        }
        for name, part in parts.items():
            started = time.monotonic()
            found[name] = part(stage)
            keep(found)
            print(f"  {name}: {time.monotonic() - started:.0f} s", flush=True)
    for ways in found["latency"].values():
        bare = ways["InvokeEndpoint"]
        ways["API"]["p50_of_bare"] = ways["API"]["p50_ms"] / bare["p50_ms"]
        ways["API"]["p99_of_bare"] = ways["API"]["p99_ms"] / bare["p99_ms"]
    return found
