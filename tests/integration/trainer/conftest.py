"""Real trainings, shared by the tests: each is made once in a session."""

import csv
import json
import subprocess
import sys
import tarfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.sagemaker.serving.containers import Chain
from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
ALL_KEYS = "predicted_label,probability,probabilities,labels"


def churn_rows(count: int, seed: int) -> list[list[object]]:
    """A header and rows with text, numbers, nulls, quoted commas and a signal; the target is `Churn?`."""
    random = np.random.default_rng(seed)
    rows: list[list[object]] = [["Plan", "Minutes", "Calls", "Note", "Churn?"]]
    for _ in range(count):
        plan, minutes, calls = random.choice(["basic", "gold", "pro"]), random.normal(180, 50), random.poisson(2)
        leaves = (minutes > 220 and plan == "basic") or calls > 4
        note = random.choice(["", "paid, late", 'said "no"', "two\nlines"])
        rows.append([plan if calls else "", round(minutes, 1), calls, note, "True." if leaves else "False."])
    return rows


def write_csv(path: Path, rows: list[list[object]], *, encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@dataclass(frozen=True)
class Trained:
    """A finished job's folder."""

    folder: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]

    @property
    def candidates(self) -> dict[str, dict[str, Any]]:
        return {event["name"]: event for event in self.events if event["event"] == "candidate"}

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]

    def description(self, name: str, *environments: dict[str, str]) -> dict[str, Any]:
        """A candidate's containers, unpacked, with variables added to the environment of each."""
        containers = []
        for position, container in enumerate(self.candidates[name]["containers"]):
            archive = self.folder / container["artifact"]
            with tarfile.open(archive) as content:
                content.extractall(archive.parent / "unpacked", filter="data")
            added = environments[position] if environments else {}
            environment = container["environment"] | added
            containers.append({"artifact_dir": str(archive.parent / "unpacked"), "environment": environment})
        return {"containers": containers}

    def chain(self, name: str, *environments: dict[str, str]) -> Chain:
        return Chain.load(self.description(name, *environments))


def describe_job(folder: Path, training: Path, target: str, **settings: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    job = {
        "job_name": folder.name,
        "problem_type": None,
        "target": target,
        "objective": None,
        "max_candidates": None,
        "max_runtime_seconds": None,
        "mode": "ENSEMBLING",
        "channels": {"training": [str(training)], "validation": None},
        "validation_fraction": 0.2,
        "seed": 7,
    }
    (folder / "job.json").write_text(json.dumps(job | settings))
    return folder


@pytest.fixture(scope="session")
def train_here(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    """Run the trainer's main function in this process: what a test needs, without the import's seconds."""
    from local.sagemaker.trainer.__main__ import main

    def train(rows: list[list[object]] | Path, target: str, **settings: Any) -> Trained:
        folder = tmp_path_factory.mktemp("job")
        path = rows if isinstance(rows, Path) else write_csv(folder / "training.csv", rows)
        describe_job(folder, path, target, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in the trainer's own process
            assert main([str(folder)]) in {0, 1}
        return Trained(folder)

    return train


@pytest.fixture(scope="session")
def churn_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("churn") / "churn.csv", churn_rows(1500, seed=1), encoding="utf-8-sig")


@pytest.fixture(scope="session")
def churn_job(tmp_path_factory: pytest.TempPathFactory, churn_csv: Path) -> Trained:
    """A whole ENSEMBLING job, trained as the embedded cloud does: in a process of its own."""
    folder = describe_job(tmp_path_factory.mktemp("churn-job"), churn_csv, "Churn?")
    subprocess.run([sys.executable, "-m", "local.sagemaker.trainer", str(folder)], cwd=ROOT, check=True, timeout=120)
    return Trained(folder)


@pytest.fixture(scope="session")
def churn_hpo_job(train_here: Callable[..., Trained], churn_csv: Path) -> Trained:
    return train_here(churn_csv, "Churn?", mode="HYPERPARAMETER_TUNING", max_candidates=2)


@dataclass(frozen=True)
class Served:
    """A running serving process."""

    process: subprocess.Popen[bytes]
    port: int


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Served]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(description: dict[str, Any]) -> Served:
        (tmp_path / "model.json").write_text(json.dumps(description))
        command = [sys.executable, "-m", "local.sagemaker.serving", str(tmp_path)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
        started.append(process)
        return Served(process, wait_for_port(tmp_path, process))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for_port(folder: Path, process: subprocess.Popen[bytes] | None = None) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder / "ready.json").exists():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)
    return int(json.loads((folder / "ready.json").read_text())["port"])


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    return write_csv
