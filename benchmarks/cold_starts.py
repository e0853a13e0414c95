"""What the first request after a quiet time waits for: `python -m benchmarks.cold_starts`.

CPU seconds of importing the two functions on the way of a prediction, and of making the clients that a first request
needs, from the layer as it is shipped; stretched to the share of a core that each function's memory has. What Lambda
takes to start or restore an environment is AWS's, and not in it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from benchmarks.imports import REPOSITORY, build_layer, cpu_seconds
from benchmarks.metering import FULL_CORE_MB

MONTH_SECONDS = 730 * 3600
# us-east-1 for x86, of which arm64 is no dearer: AWS Lambda pricing, "SnapStart Pricing" and "Provisioned Concurrency".
SNAPSHOT_GB_SECOND, RESTORED_GB, WAITING_GB_SECOND = 0.0000015046, 0.0001397998, 0.0000041667
CLIENTS = {"Authorize": ("dynamodb",), "Predict": ("sts", "dynamodb", "s3", "sagemaker-runtime")}
RUNS = 5


@dataclass(frozen=True)
class Start:
    """A function that starts: its memory, and seconds at that memory."""

    memory_mb: int
    imports: float
    clients: float


def measure() -> dict[str, Start]:
    """Return what each of the functions takes, the best of several runs."""
    template = yaml_parse((REPOSITORY / "template.yaml").read_text(encoding="utf-8"))
    found = {}
    with tempfile.TemporaryDirectory() as built:
        core = build_layer("core", Path(built))
        for name, services in CLIENTS.items():
            properties = template["Globals"]["Function"] | template["Resources"][f"{name}Function"]["Properties"]
            module = properties["Handler"].rpartition(".")[0]
            made = f"import {module}; from tenantml.aws.clients import shared_session\n"
            made += f"[shared_session().create_client(service, 'us-east-1') for service in {services}]"
            imports, first = (
                min(cpu_seconds(statement, REPOSITORY / "functions", core) for _ in range(RUNS))
                for statement in (f"import {module}", made)
            )
            stretch = max(1.0, FULL_CORE_MB / properties["MemorySize"])
            found[name] = Start(properties["MemorySize"], imports * stretch, max(0.0, first - imports) * stretch)
    return found


def prices(starts: dict[str, Start], restored_a_day: int = 24) -> dict[str, float]:
    """Return dollars a month of each way, of one environment of each function, restored so many times a day."""
    gigabytes = sum(start.memory_mb for start in starts.values()) / 1024
    kept = gigabytes * MONTH_SECONDS
    return {
        "start": 0.0,
        "snapstart": kept * SNAPSHOT_GB_SECOND + gigabytes * restored_a_day * 365 / 12 * RESTORED_GB,
        "provisioned": kept * WAITING_GB_SECOND,
    }


def main() -> None:
    """Measure and print."""
    starts = measure()
    for name, start in starts.items():
        print(f"{name}, {start.memory_mb} MB: imports {start.imports:.2f} s, clients {start.clients:.2f} s")
    imports, clients = (sum(getattr(start, part) for start in starts.values()) for part in ("imports", "clients"))
    waits = {"start": imports + clients, "snapstart": clients, "provisioned": clients}
    for way, usd in prices(starts).items():
        print(f"ColdStarts={way}: {waits[way]:.2f} s of ours, ${usd:.2f} a month")


if __name__ == "__main__":
    main()
