"""Pre-flight and split against what the article does: MB per CPU-second and peak memory, on three files, in one run.

    python -m benchmarks.inspection [--megabytes 60] [--output build/bench/inspection.json]
    python -m benchmarks.inspection --stream-gigabytes 10     # the memory of a large upload, without a disk

Each way runs in a process of its own; `polars` and `tenantml`, which are compared, three times in turns, of which the
table has the median. CPU seconds are user and system time of the work alone, without imports; the memory is the peak
of the process above what it held before the work began.

- `pandas`: read_csv, sample, to_csv twice, as in the article's notebook; checks nothing.
- `polars`: read_csv, one row in five to the holdout, write_csv twice, on one thread; checks nothing.
- `csv tee`: the standard library's csv.reader(strict=True) with the raw lines kept, one row in five to the holdout.
- `tenantml`: the pre-flight: strict reading, profile, advice and the split by the rows' hashes.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1024 * 1024
MB = 1_000_000


def clean_rows(draw: random.Random) -> Iterator[str]:
    """A table as tenants have: identifier, numbers, categories, a date, nulls, two classes."""
    yield "id,age,income,score,city,plan,joined,visits,notes,churned\n"
    for number in range(10**9):
        yield (
            f"{number},{draw.randint(18, 90)},{draw.gauss(40000, 9000):.2f},{draw.random()!r},{draw.choice(CITIES)},"
            f"{draw.choice(('basic', 'plus', 'pro', ''))},"
            f"20{draw.randint(10, 24)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02},"
            f"{draw.randint(0, 5000)},note {draw.getrandbits(40):x} of a customer,{draw.choice(('no', 'no', 'yes'))}\n"
        )


def quoted_rows(draw: random.Random) -> Iterator[str]:
    """Texts with commas, line breaks and doubled quotes."""
    yield "id,comment,place,amount,label\n"
    for number in range(10**9):
        yield (
            f'{number},"They said ""{draw.getrandbits(32):x}"",\nand then, after {draw.randint(1, 99)} days,\nleft",'
            f'"{draw.choice(CITIES)}, north",'
            f"{draw.gauss(0, 100):.3f},{draw.choice(('a', 'b', 'c'))}\n"
        )


def wide_rows(draw: random.Random) -> Iterator[str]:
    """A thousand columns of numbers, codes and categories."""
    yield ",".join([f"c{column}" for column in range(999)] + ["y"]) + "\n"
    makers: tuple[Callable[[], str], ...] = (
        lambda: f"{draw.gauss(0, 1):.5f}",
        lambda: str(draw.randint(0, 10**6)),
        lambda: draw.choice(("red", "green", "blue")),
        lambda: str(draw.randint(0, 9)),
    )
    while True:
        yield ",".join([makers[column % 4]() for column in range(999)] + [draw.choice("01")]) + "\n"


CITIES = ("Lisbon", "Oslo", "Rome", "Graz", "Porto", "Bergen", "Turin", "Linz")
FILES = {
    "clean": (clean_rows, "churned"),
    "quoted newlines": (quoted_rows, "label"),
    "1,000 columns": (wide_rows, "y"),
}


def by_pandas(source: Path, target: str, folder: Path) -> int:
    """What the article's notebook does."""
    import pandas as pd  # noqa: PLC0415 - only where it is measured

    del target
    frame = pd.read_csv(source)
    train = frame.sample(frac=0.8, random_state=7)
    frame.drop(train.index).to_csv(folder / "holdout.csv", index=False)
    train.to_csv(folder / "train.csv", index=False)
    return len(frame)


def by_polars(source: Path, target: str, folder: Path) -> int:
    """What a fast library does."""
    import polars as pl  # noqa: PLC0415 - only where it is measured

    del target
    frame = pl.read_csv(source)
    held_out = pl.int_range(pl.len()) % 5 == 0
    frame.filter(held_out).write_csv(folder / "holdout.csv")
    frame.filter(~held_out).write_csv(folder / "train.csv")
    return len(frame)


def by_csv(source: Path, target: str, folder: Path) -> int:
    """A careful script with the standard library: strict, and the original lines kept."""
    del target
    kept: list[str] = []

    def tee(lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            kept.append(line)
            yield line

    with (
        source.open(newline="", encoding="utf-8") as read,
        (folder / "train.csv").open("w", newline="", encoding="utf-8") as train,
        (folder / "holdout.csv").open("w", newline="", encoding="utf-8") as holdout,
    ):
        reader = csv.reader(tee(read), strict=True)
        columns = len(next(reader))
        for part in (train, holdout):
            part.writelines(kept)
        kept.clear()
        rows = 0
        for rows, row in enumerate(reader, 1):
            if len(row) != columns:
                raise ValueError(f"row {rows} is ragged")
            (train if rows % 5 else holdout).writelines(kept)
            kept.clear()
    return rows


def by_tenantml(source: Path, target: str, folder: Path) -> int:
    """The pre-flight."""
    from tenantml_analysis.inspection import InspectionSettings, inspect  # noqa: PLC0415 - as above

    settings = InspectionSettings(target=target, salt=source.name)
    with (
        source.open("rb") as read,
        (folder / "train.csv").open("wb") as train,
        (folder / "holdout.csv").open("wb") as holdout,
    ):
        found = inspect(iter(lambda: read.read(CHUNK_BYTES), b""), settings, train, holdout)
    return int(found.profile["rows"])


COMPARED = {"polars", "tenantml"}
TURNS = 3
WAYS = {"pandas": by_pandas, "polars": by_polars, "csv tee": by_csv, "tenantml": by_tenantml}
IMPORTS = {"pandas": ("pandas",), "polars": ("polars",), "csv tee": (), "tenantml": ("tenantml_analysis.inspection",)}


def cpu_seconds() -> float:
    """User and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_bytes() -> tuple[int, int]:
    """What this process holds in memory now and the most it has held; where /proc is missing the most stands for both.

    Linux keeps `ru_maxrss` across exec, so that a new process starts with its parent's: /proc does not.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return most, most
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    now, most = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def measure(way: str, source: Path, target: str) -> dict[str, Any]:
    """Run one way on one file, in the process that calls this."""
    os.environ["POLARS_MAX_THREADS"] = "1"  # read when it is imported; every way has one processor
    for module in IMPORTS[way]:
        __import__(module)
    with tempfile.TemporaryDirectory() as folder:
        (idle, _), began, wall = resident_bytes(), cpu_seconds(), time.perf_counter()
        rows = WAYS[way](source, target, Path(folder))
        seconds = cpu_seconds() - began
    size = source.stat().st_size
    return {
        "way": way,
        "bytes": size,
        "rows": rows,
        "cpu_seconds": round(seconds, 3),
        "wall_seconds": round(time.perf_counter() - wall, 3),
        "mb_per_cpu_second": round(size / MB / seconds, 1),
        "peak_mb_above_idle": round(max(0, resident_bytes()[1] - idle) / MB, 1),
    }


class _Nowhere:
    """Takes a part of the dataset and forgets it, as S3 takes it out of memory."""

    def write(self, piece: bytes, /) -> object:
        return len(piece)


def measure_stream(name: str, size: int) -> dict[str, Any]:
    """Inspect a stream that is made as it is read, in the process that calls this; the making costs next to nothing."""
    from tenantml_analysis.inspection import InspectionSettings, inspect  # noqa: PLC0415 - as above

    rows, target = FILES[name]
    lines = rows(random.Random(7))
    header = next(lines).encode()
    body, length = [], 0
    while length < 15 * MB:
        body.append(next(lines).encode())
        length += len(body[-1])
    text = b"".join(body)
    repeats = -(-size // length)

    def chunks() -> Iterator[bytes]:
        yield header
        for _ in range(repeats):
            for at in range(0, length, CHUNK_BYTES):
                yield text[at : at + CHUNK_BYTES]

    del body
    gc.collect()
    (idle, most), began = resident_bytes(), cpu_seconds()
    found = inspect(chunks(), InspectionSettings(target=target, salt=name), _Nowhere(), _Nowhere())
    seconds, peak = cpu_seconds() - began, resident_bytes()[1]
    return {
        "file": name,
        "way": "tenantml, streamed",
        "bytes": found.profile["size_bytes"],
        "rows": found.profile["rows"],
        "cpu_seconds": round(seconds, 3),
        "mb_per_cpu_second": round(found.profile["size_bytes"] / MB / seconds, 1),
        "peak_mb_above_idle": round(max(0, max(peak, most) - idle) / MB, 1),
    }


def in_turns(ways: Iterable[str], source: Path, target: str) -> dict[str, list[dict[str, Any]]]:
    """Run ways on one file, each time in a new process: those that are compared in turns, the others once."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for turn in range(TURNS):
        for way, results in found.items():
            if turn == 0 or way in COMPARED:
                with context.Pool(1, maxtasksperchild=1) as pool:
                    results.append(pool.apply(measure, (way, source, target)))
    return found


def of_polars(found: dict[str, list[dict[str, Any]]]) -> list[float]:
    """Return the pre-flight's MB per CPU-second over polars', turn by turn."""
    turns = zip(found["tenantml"], found["polars"], strict=True)
    return [round(ours["mb_per_cpu_second"] / theirs["mb_per_cpu_second"], 2) for ours, theirs in turns]


def write_file(path: Path, rows: Callable[[random.Random], Iterator[str]], size: int) -> None:
    """Write rows until the file has a size: a few MB of them, repeated."""
    distinct = min(size, 15 * MB)
    lines = rows(random.Random(7))
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(next(lines))
        body: list[str] = []
        length = 0
        while length < distinct:
            body.append(next(lines))
            length += len(body[-1])
        for _ in range(max(1, round(size / length))):
            file.writelines(body)


def main() -> None:
    """Measure every way on every file, print a table of medians, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--output", type=Path, default=Path("build/bench/inspection.json"))
    parser.add_argument("--only", choices=WAYS, help="measure one way only")
    parser.add_argument("--stream-gigabytes", type=float, help="inspect a stream of this size instead of the files")
    parser.add_argument("--stream", choices=FILES, default="clean", help="what the stream is made of")
    options = parser.parse_args()
    if options.stream_gigabytes:
        print(json.dumps(measure_stream(options.stream, round(options.stream_gigabytes * 1000 * MB)), indent=2))
        return
    results: list[dict[str, Any]] = []
    print(f"{'file':<16} {'way':<9} {'MB':>6} {'rows':>9} {'MB per CPU-s':>13} {'peak MB above idle':>19}")
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (rows, target) in FILES.items():
            source = Path(folder) / "source.csv"
            write_file(source, rows, options.megabytes * MB)
            found = in_turns([options.only] if options.only else WAYS, source, target)
            for way, turns in found.items():
                middle = sorted(turns, key=itemgetter("cpu_seconds"))[len(turns) // 2]
                results.append({"file": name} | middle)
                numbers = f"{middle['mb_per_cpu_second']:>13} {middle['peak_mb_above_idle']:>19}"
                print(f"{name:<16} {way:<9} {middle['bytes'] / MB:>6.0f} {middle['rows']:>9,} {numbers}", flush=True)
            if found.keys() >= COMPARED:
                ratios[name] = of_polars(found)
                ratio = statistics.median(ratios[name])
                print(f"{name:<16} tenantml has {ratio} of polars' MB per CPU-s, by turns {ratios[name]}; the aim is 1")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps({"results": results, "of_polars": ratios}, indent=2) + "\n", encoding="utf-8")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
