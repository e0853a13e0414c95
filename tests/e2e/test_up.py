"""`make up`: files that any AWS client can source, as long as it runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("up")
    command = [sys.executable, "-m", "local.up", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C ends it" in line:
                break
        (out / "said").write_text("".join(said))
        yield out
        process.send_signal(signal.SIGTERM)
        assert "stopped" in process.stdout.read()
    assert process.returncode == 0
    assert not (out / "env").exists()
    assert not (out / "customer.env").exists()


def test_a_second_one_in_the_same_folder_is_refused_and_leaves_the_first_alone(up: Path) -> None:
    command = [sys.executable, "-m", "local.up", "--out", str(up)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    address = _sourced(up / "env", 'printf %s "$AWS_ENDPOINT_URL"')
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"A cloud is up at {address}, " in ran.stderr
    assert _sourced(up / "env", _python('boto3.client("s3").list_buckets()')) == ""


def test_the_operators_page_is_named_before_how_to_use_the_cloud_and_answers(up: Path) -> None:
    before, _, _ = (up / "said").read_text().partition("How to use it")
    (address,) = re.findall(r"(http://127\.0\.0\.1:\d+/) +for operators", before)
    with urllib.request.urlopen(f"{address}api/tenants", timeout=60) as answer:
        assert [tenant["tenant"] for tenant in json.load(answer)] == ["demo"]
    assert (up / "cloud" / "console.log").read_text() == ""


def _sourced(path: Path, command: str) -> str:
    """What a command prints in a shell that has nothing but this file of the AWS settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TENANTML_"))}
    shell = ["sh", "-c", f". {path}; {command}"]
    return subprocess.run(shell, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def _python(statement: str) -> str:
    return f"{sys.executable} -c 'import boto3, os; {statement}'"


@pytest.mark.parametrize(("name", "account"), [("env", "111111111111"), ("customer.env", "222222222222")])
def test_any_client_that_sources_a_file_is_in_that_account(up: Path, name: str, account: str) -> None:
    assert (up / name).stat().st_mode & 0o777 == 0o600
    assert _sourced(up / name, _python('print(boto3.client("sts").get_caller_identity()["Account"])')) == account


def test_the_tenants_api_answers_its_key_alone(up: Path) -> None:
    request = 'curl -sS "$TENANTML_API_URL/models" -H "x-api-key: $TENANTML_API_KEY"'
    assert json.loads(_sourced(up / "env", request))["models"] == []
    status = request.replace("$TENANTML_API_KEY", "wrong") + " -o /dev/null -w '%{http_code}'"
    assert _sourced(up / "env", status) == "401"


def test_the_named_buckets_and_state_machines_exist(up: Path) -> None:
    heads = "; ".join(
        f'boto3.client("s3").head_bucket(Bucket=os.environ["TENANTML_{name}_BUCKET"])' for name in ("INGEST", "STAGING")
    )
    _sourced(up / "env", _python(heads))
    for machine in ("TRAINING", "DEPLOYMENT"):
        arn = f'os.environ["TENANTML_{machine}_STATE_MACHINE_ARN"]'
        described = f'boto3.client("stepfunctions").describe_state_machine(stateMachineArn={arn})'
        assert _sourced(up / "env", _python(f'print({described}["status"])')) == "ACTIVE"
    bucket = _sourced(up / "env", "printf %s $TENANTML_CUSTOMER_BUCKET")
    _sourced(up / "customer.env", _python(f'boto3.client("s3").head_bucket(Bucket="{bucket}")'))
