"""`make bench`: every measurement in one run, as tables and as JSON in build/bench/.

    python -m benchmarks [--only imports|predictions|reading|orchestration|inspection]

On a machine that does other things as well, believe ratios and CPU times, not milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import imports, orchestration, predictions

OUTPUT = Path("build/bench")
INSPECTION_MEGABYTES = 60
COUNTED = Path(__file__).parent / "counted.json"  # what docs/capacity.md is computed from

Document = dict[str, Any]


def table(title: str, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print a table, numbers to three digits."""
    cells = [header] + [tuple(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for row in cells:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  " + "  ".join([row[0].ljust(len(first)), *rest]))


def show_imports(found: Document) -> None:
    """Print the cold imports, the slowest first."""
    seconds = found["cpu_seconds"]
    boto3 = seconds["import boto3"]
    rows = [(name, value, value / boto3) for name, value in sorted(seconds.items(), key=lambda item: -item[1])]
    table("Cold import", ("", "CPU s", "of boto3's"), rows)
    print(f"  predict is {found['predict_of_sdk']:.3f} of the SDK")


def show_reading(found: list[Document]) -> None:
    """Print what it costs to read a request's JSON."""
    rows = [tuple(measured.values()) for measured in found]
    table(
        "Reading JSON; the aim is five times json.loads",
        ("kind", "rows", "columns", "json.loads", "ours, CPU ms", "ratio"),
        rows,
    )


def show_predictions(found: Document) -> None:
    """Print what the predictions cost."""
    show_reading(found["reading"])
    own, latency = found["own_time"], found["latency"]
    table(
        "The handler's own time: all that it does but the call of the endpoint",
        ("rows", "wall ms p50", "CPU ms p50", "bare InvokeEndpoint ms p50", "own of bare"),
        [(rows, o["own_wall_ms"], o["own_cpu_ms"], o["bare_wall_ms"], o["own_of_bare_p50"]) for rows, o in own.items()],
    )
    for rows, o in own.items():
        print(f"  counting for drift, of {rows} rows: {o['drift_of_own']:.3f} of the handler's own CPU time; aim 0.05")
    table(
        "One client, interleaved; the emulator's gateway and Lambda included",
        ("rows", "way", "p50 ms", "p99 ms", "p50 of bare", "p99 of bare"),
        [
            (
                rows,
                name,
                way["p50_ms"],
                way["p99_ms"],
                way["p50_ms"] / ways["InvokeEndpoint"]["p50_ms"],
                way["p99_ms"] / ways["InvokeEndpoint"]["p99_ms"],
            )
            for rows, ways in latency.items()
            for name, way in ways.items()
        ],
    )
    table(
        f"Saturation: {predictions.CLIENTS} clients, one row",
        ("", "requests/s", "p50 ms", "p99 ms", "statuses"),
        [(name, o["per_second"], o["p50_ms"], o["p99_ms"], o["statuses"]) for name, o in found["saturation"].items()],
    )
    fair, refusal = found["fairness"], found["refusal"]
    table(
        f"A tenant beside a neighbour that sends {fair['flood_per_second']:.0f} a second, twenty times its rate",
        ("", "p50 ms", "p99 ms", "requests"),
        [(name, *fair[name].values()) for name in ("alone", "beside the flood")],
    )
    print(
        f"  p50 beside the flood is {fair['p50_of_alone']:.2f} of alone, and the aim of {fair['aim']} is "
        f"{'met' if fair['is_met'] else 'MISSED'}; the neighbour was answered {fair['flood_statuses']}; a refusal "
        f"takes {refusal['refusal_cpu_ms']:.2f} ms of the handler's CPU and {refusal['calls_per_refusal']:.2f} calls"
    )
    many = found["many_tenants"]
    marks = many["resident_mb_after_tenants"]
    table(
        f"{predictions.TENANTS:,} tenants through one warm process",
        ("tenants so far", "resident MB"),
        list(marks.items()),
    )
    print(
        f"  {many['kb_per_tenant']:.1f} KB per tenant past the 100th; a boto3 client for each would keep "
        f"{many['kb_per_client']:.0f} KB, a session for each {many['kb_per_session'] / 1024:.1f} MB"
    )


def show_orchestration(found: Document) -> None:
    """Print what the provider pays."""
    ways = found["execution"]
    rows: list[tuple[object, ...]] = [
        (name, way["polls"], int(way["counts"]["transition"]), f"{way['usd']:.4f}") for name, way in ways.items()
    ]
    rows.append(("the article's notebook, left open", "", "", f"{found['notebook_usd']:.4f}"))
    title = f"A training of {found['hours_trained']} hours until its model is live, what the provider pays"
    table(title, ("", "polls", "transitions", "USD"), rows)
    verdicts = {True: "met", False: "MISSED"}
    print(
        f"  the aim of ${found['execution_aim_usd']} is {verdicts[found['execution_aim_is_met']]}; a stack that nobody "
        f"uses is ${found['idle_month_usd']:.2f} a month beyond what stays free (aim ${found['idle_aim_usd']:.2f}: "
        f"{verdicts[found['idle_aim_is_met']]}), the hourly upkeep of a tenant ${found['tenant_month_usd']:.2f} a month"
    )


def keep(name: str, found: Document) -> None:
    """Write what was found."""
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    (OUTPUT / f"{name}.json").write_text(json.dumps(machine | found, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Run the measurements and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--only", choices=("imports", "predictions", "reading", "orchestration", "inspection"))
    only = parser.parse_args().only
    OUTPUT.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    found: dict[str, Document] = {}
    with ThreadPoolExecutor(1) as pool:
        importing = pool.submit(imports.measure) if only in (None, "imports") else None
        if only in (None, "predictions"):
            meanwhile = importing.result if importing else lambda: None
            found["predictions"] = predictions.measure(meanwhile, lambda part: keep("predictions", part))
        if importing:
            found["imports"] = importing.result()
    for name, show in (("predictions", show_predictions), ("imports", show_imports)):
        if name in found:
            keep(name, found[name])
            show(found[name])
    if only == "reading":
        show_reading(predictions.reading())
    if only in (None, "orchestration"):
        paid = orchestration.measure()
        keep("orchestration", paid)
        COUNTED.write_text(json.dumps(paid["counted"], indent=2) + "\n", encoding="utf-8")
        show_orchestration(paid)
    if only in (None, "inspection"):
        print("\nInspection of a dataset", flush=True)
        command = [sys.executable, "-m", "benchmarks.inspection", "--megabytes", str(INSPECTION_MEGABYTES)]
        subprocess.run(command, check=True)
    print(f"\nwritten to {OUTPUT}/ in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
