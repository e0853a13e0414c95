"""The embedded cloud's process: loopback only, a clean environment, an end for sure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import EmbeddedCloud, EmbeddedCloudError

_PARENT = """
import sys, time
from local.cloud import EmbeddedCloud
with EmbeddedCloud() as cloud:
    print(cloud.endpoint_url, flush=True)
    time.sleep(60)
"""


def answers(endpoint_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=2):
            return True
    except OSError:  # refused, or reset while it ends
        return False


def test_it_ends_when_its_parent_is_killed(repository: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True, cwd=repository)
    assert parent.stdout is not None
    with parent, parent.stdout:
        endpoint_url = parent.stdout.readline().strip()
        assert answers(endpoint_url)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 15
    while answers(endpoint_url):
        assert time.monotonic() < deadline, "still answers 15 s after its parent was killed"
        time.sleep(0.05)


def test_resources_stand_after_a_restart_when_they_are_to_persist(tmp_path: Path) -> None:
    with EmbeddedCloud(tmp_path, persist=True) as first:
        first.client("s3").create_bucket(Bucket="kept-bucket")
        first.client("s3").put_object(Bucket="kept-bucket", Key="kept", Body=b"1")
    with EmbeddedCloud(tmp_path, persist=True) as second:
        assert second.client("s3").get_object(Bucket="kept-bucket", Key="kept")["Body"].read() == b"1"


def test_a_start_that_fails_says_why(cloud: EmbeddedCloud) -> None:
    taken = int(cloud.endpoint_url.rpartition(":")[2])
    with pytest.raises(EmbeddedCloudError, match="Address already in use"):
        EmbeddedCloud(port=taken).start()


def test_functions_see_nothing_of_the_callers_environment(
    monkeypatch: pytest.MonkeyPatch, cloud: EmbeddedCloud, make_function: Callable[[str], str]
) -> None:
    arn = make_function("import os\ndef handler(event, context): return dict(os.environ)")
    answer: Any = json.loads(cloud.client("lambda").invoke(FunctionName=arn)["Payload"].read())
    assert answer["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & set(answer)
