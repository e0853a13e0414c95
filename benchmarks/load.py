"""`make load`: tenants drop files within a minute, some bad, while others predict, some are suspended, and one account
is throttled; then whether every upload has one outcome, nothing is left, a round of upkeep reaches everybody, and how
it all grows.

    python -m benchmarks.load [--tenants 5 10 20] [--accounts 4] [--rows 1000 4000 16000] [--columns 5 20 80]

Ends with 1 when something is wrong. What grows is fitted as `seconds ~ size ** exponent`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from benchmarks.fairness import paced, quantiles
from benchmarks.load_scene import Scene, counted, settings, wrong
from benchmarks.stage import MODEL, Connection, Document
from benchmarks.watched_processes import EMULATOR, FUNCTIONS, Watch
from local.cloud import EmbeddedCloud

OUTPUT = Path("build/bench")
WAIT_SCALE = 0.1  # of AWS's waits: with fewer, what takes seconds there is asked for many times a second
ROWS, COLUMNS = 1_000, 8
PREDICTING_SHARE, BAD_EVERY, SUSPENDED_EVERY = 10, 5, 4  # one in ten tenants predicts …
PER_SECOND, WARM_SECONDS, QUIET_SECONDS, CONNECTIONS = 4.0, 5.0, 20.0, 8
AIM = 2.0  # of the quiet median
LARGEST_MB, FILES_OF_ONE = 256, 12  # of a process of ours: the memory of our smallest functions, and pipes and sockets
BODY = json.dumps({"rows": [{"number": 2, "plan": "p1"} | {f"c{n}": n for n in range(COLUMNS - 3)}]}).encode()


def measure(tenants: int, accounts: int, also: Mapping[str, Sequence[int]] | None = None) -> Document:
    """Return what a drop by so many tenants took and what was wrong; `also` are drops of other `rows` and `columns`, by
    the few tenants that predict.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedCloud(Path(folder) / "cloud", wait_scale=WAIT_SCALE, settings=settings(accounts)) as cloud,
    ):
        scene = Scene(Path(folder), cloud, tenants, accounts)
        names = list(scene.apis)
        predicting = names[: max(1, tenants // PREDICTING_SHARE)]
        first = scene.prepare(predicting, MODEL, ROWS, COLUMNS)
        scene.drop(first, 0)
        problems = wrong(first, scene.wait_for(first), ())
        connections = [Connection(scene.apis[predicting[n % len(predicting)]]) for n in range(CONNECTIONS)]
        paced(connections, BODY, PER_SECOND, WARM_SECONDS)
        with Watch(cloud.process_id) as alone:
            quiet = paced(connections, BODY, PER_SECOND, QUIET_SECONDS)
        with Watch(cloud.process_id) as watch:
            found = _drop(scene, names, predicting, connections)
        kept, seconds, missed = scene.keep_up()
        grown = {
            name: {size: _seconds(scene, predicting, name, size) for size in sizes}
            for name, sizes in (also or {}).items()
        }
    problems += found.pop("wrong") + missed
    problems += unbounded(watch.found()[FUNCTIONS])
    busy, before = found["predictions"], quantiles(quiet["milliseconds"])
    before["own_ms"] = 1000 * alone.predict_seconds() / len(quiet["milliseconds"])
    busy["own_ms"] = 1000 * watch.predict_seconds() / found.pop("predicted")
    return found | {
        "tenants": tenants,
        "accounts": accounts,
        "wrong": problems,
        "predictions": {
            "quiet": before,
            "during": busy,
            "ratio": busy["p50_ms"] / before["p50_ms"],
            "own_ratio": busy["own_ms"] / before["own_ms"],
        },
        "upkeep": {"tenants": kept, "seconds": seconds},
        "processes": watch.found(),
        "grown": grown,
    }


def unbounded(ours: Document) -> list[str]:
    """Return what our processes took more of than a number that does not depend on how many tenants there are."""
    files = ours["open_files"] / ours["processes"]
    large = [f"a process of ours took {ours['largest_mb']:.0f} MB"] if ours["largest_mb"] > LARGEST_MB else []
    return large + ([f"our processes have {files:.1f} open files each"] if files > FILES_OF_ONE else [])


def _drop(scene: Scene, names: Sequence[str], predicting: Sequence[str], connections: Sequence[Connection]) -> Document:
    suspended = [name for name in names[SUSPENDED_EVERY - 1 :: SUSPENDED_EVERY] if name not in predicting]
    uploads = scene.prepare(names, "load", ROWS, COLUMNS, BAD_EVERY)
    over, blocks = threading.Event(), list[Document]()

    def predict() -> None:
        while not over.is_set():
            blocks.append(paced(connections, BODY, PER_SECOND, 5.0))

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        sent = scene.drop(uploads, min(60.0, len(names)), suspended)
        outcomes = scene.wait_for(uploads)
    finally:
        over.set()
        thread.join()
    waited = sorted(outcome.at - sent[outcome.tenant] for outcome in outcomes)
    seconds = max(outcome.at for outcome in outcomes) - min(sent.values())
    answered = sum(block["statuses"][200] for block in blocks)
    asked = sum(sum(block["statuses"].values()) for block in blocks)
    refused = [f"{asked - answered} of {asked} predictions were not answered"] if answered < asked else []
    return {
        "outcomes": counted(outcomes),
        "seconds": seconds,
        "uploads_per_minute": 60 * len(uploads) / seconds,
        "outcome_p50_s": statistics.median(waited),
        "outcome_p99_s": waited[min(len(waited) - 1, int(len(waited) * 0.99))],
        "predicted": asked,
        "predictions": quantiles(list(chain(*(block["milliseconds"] for block in blocks)))),
        "wrong": wrong(uploads, outcomes, suspended) + [f"left: {each}" for each in scene.left()] + refused,
    }


def _seconds(scene: Scene, tenants: Sequence[str], name: str, size: int) -> float:
    """How long it takes until all of a few tenants have the outcome of a file of this size."""
    rows, columns = (size, COLUMNS) if name == "rows" else (ROWS, size)
    uploads = scene.prepare(tenants, f"{name}{size}", rows, columns)
    began = time.time()
    scene.drop(uploads, 0)
    outcomes = scene.wait_for(uploads)
    if problems := wrong(uploads, outcomes, ()):
        raise RuntimeError("; ".join(problems))
    return max(outcome.at for outcome in outcomes) - began


def exponent(sizes: Mapping[int, float]) -> float:
    """Return the slope of the line through the logarithms: 1 is as much longer as larger, 0 no longer at all."""
    points = [(math.log(size), math.log(value)) for size, value in sizes.items()]
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def show(run: Document) -> None:
    """Print what was measured of one drop."""
    ours, emulator, asked = run["processes"][FUNCTIONS], run["processes"][EMULATOR], run["predictions"]
    verdict = "met" if asked["ratio"] <= AIM else "MISSED"
    print(
        f"{run['tenants']} tenants in {run['accounts']} accounts: {run['seconds']:.0f} s, "
        f"{run['uploads_per_minute']:.0f} uploads a minute, an outcome after {run['outcome_p50_s']:.1f} s (p50), "
        f"{run['outcome_p99_s']:.1f} s (p99); {run['outcomes']}\n"
        f"  predictions, p50: {asked['quiet']['p50_ms']:.0f} ms alone, {asked['during']['p50_ms']:.0f} ms during, "
        f"{asked['ratio']:.1f} times as long; the aim of {AIM:g} is {verdict}\n"
        f"  of that CPU of our function: {asked['quiet']['own_ms']:.1f} ms alone, {asked['during']['own_ms']:.1f} ms "
        f"during, {asked['own_ratio']:.1f} times as much\n"
        f"  a round of upkeep then: {run['upkeep']['tenants']} tenants in {run['upkeep']['seconds']:.0f} s\n"
        f"  CPU: {emulator['cpu_seconds']:.0f} s of the emulator ({emulator['share']:.0%}) and "
        f"{ours['cpu_seconds']:.0f} s of our functions ({ours['share']:.0%}), in {ours['processes']:.0f} processes of "
        f"{ours['largest_mb']:.0f} MB at most; the emulator's {emulator['largest_mb']:.0f} MB, "
        f"{emulator['open_files']:.0f} open files"
    )
    for each in run["wrong"]:
        print(f"  WRONG: {each}")


def growth(runs: Sequence[Document]) -> dict[str, dict[int, float]]:
    """Return what was measured by size: by tenants from all drops, by rows and columns from the first."""

    def by_tenants(of: Callable[[Document], float]) -> dict[int, float]:
        return {run["tenants"]: of(run) for run in runs}

    return {
        "tenants, seconds": by_tenants(lambda run: run["seconds"]),
        "tenants, CPU seconds of our functions": by_tenants(lambda run: run["processes"][FUNCTIONS]["cpu_seconds"]),
        "tenants, CPU seconds of the emulator": by_tenants(lambda run: run["processes"][EMULATOR]["cpu_seconds"]),
        "tenants, MB of our largest process": by_tenants(lambda run: run["processes"][FUNCTIONS]["largest_mb"]),
        "tenants, our open files": by_tenants(lambda run: run["processes"][FUNCTIONS]["open_files"]),
        **{f"{name}, seconds": sizes for name, sizes in runs[0]["grown"].items()},
    }


def main() -> None:
    """Run the drops, the smallest first, and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=main.__doc__)
    parser.add_argument("--tenants", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--accounts", type=int, help="default: one for five tenants")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000, 4_000, 16_000])
    parser.add_argument("--columns", type=int, nargs="*", default=[8, 32, 128])
    arguments = parser.parse_args()
    runs: list[Document] = []
    for number, tenants in enumerate(sorted(arguments.tenants)):
        also = {} if number else {"rows": arguments.rows, "columns": arguments.columns}
        accounts = arguments.accounts or max(2, tenants // 5)
        runs.append(measure(tenants, accounts, also))
        show(runs[-1])
    grown = growth(runs)
    print("growth, fitted as size ** exponent")
    for name, sizes in grown.items():
        if len(sizes) > 1:
            measured = ", ".join(f"{size:,}: {value:.1f}" for size, value in sizes.items())
            print(f"  {name}: {measured}; exponent {exponent(sizes):.2f}")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    found = {"runs": runs, "exponents": {name: exponent(each) for name, each in grown.items() if len(each) > 1}}
    (OUTPUT / "load.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if any(run["wrong"] for run in runs) else 0)


if __name__ == "__main__":
    main()
