"""Trainers and servers are forked of one process that has their libraries, and end as processes of their own would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.nursery import Child, Nursery
from local.sagemaker import processes
from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
SERVING = "local.sagemaker.serving"
DOUBLE = "tests.integration.sagemaker.double_serving"
STARTER = """
import sys, time
from pathlib import Path
from local.sagemaker import processes
child = processes.start(sys.argv[1], Path(sys.argv[2]))
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    started = Nursery(processes._environment(), processes._IMPORTED)
    yield started
    started.close()


@pytest.fixture
def start(nursery: Nursery, tmp_path: Path) -> Callable[[str], Child]:
    return lambda module: nursery.run_module(module, tmp_path, tmp_path / "log.txt")


def port_of(folder: Path) -> int:
    eventually((folder / "ready.json").exists)
    return int(json.loads((folder / "ready.json").read_text())["port"])


def model_in(folder: Path, **environment: str) -> None:
    (folder / "answer.json").write_text('{"artifact": "a model"}')
    containers = [{"artifact_dir": str(folder), "environment": environment}]
    (folder / "model.json").write_text(json.dumps({"containers": containers}))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_child_that_fails_tells_its_exit_code_and_why(start: Callable[[str], Child], tmp_path: Path) -> None:
    child = start(SERVING)
    assert child.wait(30) == 1
    assert child.poll() == 1
    assert "model.json" in (tmp_path / "log.txt").read_text()


def test_a_child_serves_in_an_environment_without_credentials_until_it_is_stopped(
    start: Callable[[str], Child], tmp_path: Path
) -> None:
    model_in(tmp_path)
    child = start(DOUBLE)
    request = urllib.request.Request(f"http://127.0.0.1:{port_of(tmp_path)}/", b"1", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["process"] == child.pid
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    assert not [
        line for line in Path(f"/proc/{child.pid}/environ").read_bytes().split(b"\0") if line.startswith(b"AWS")
    ]
    child.terminate()
    assert child.wait(10) == -signal.SIGKILL
    eventually(lambda: not is_running(child.pid))
    child.kill()  # of one that has ended: nothing happens


def test_a_child_that_stops_by_itself_tells_its_exit_code(start: Callable[[str], Child], tmp_path: Path) -> None:
    model_in(tmp_path, BREAK="yes")
    assert start(DOUBLE).wait(30) == 1
    assert "does not load" in (tmp_path / "log.txt").read_text()


def test_children_and_nursery_end_with_the_process_that_wanted_them(tmp_path: Path) -> None:
    model_in(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, DOUBLE, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        child = int(starter.stdout.readline())
        port_of(tmp_path)
        nursery = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert is_running(child)
        assert is_running(nursery)
        os.kill(starter.pid, signal.SIGKILL)
    eventually(lambda: not is_running(child) and not is_running(nursery))


def test_a_nursery_that_died_is_replaced(tmp_path: Path) -> None:
    model_in(tmp_path)
    first = processes.start(DOUBLE, tmp_path)
    port_of(tmp_path)
    nursery = int(Path(f"/proc/{first.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(nursery, signal.SIGKILL)
    assert first.wait(30) != 0  # it does not outlive what it was forked of
    (tmp_path / "ready.json").unlink()
    second = processes.start(DOUBLE, tmp_path)
    port_of(tmp_path)
    processes.stop(second)
    assert second.returncode == -signal.SIGKILL
    processes.close_nursery()
