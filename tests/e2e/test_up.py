"""`make up`: files that any AWS client can source, as long as it runs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import guides

WEBHOOKS = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"


def _command(out: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "local.up", "--out", str(out), *arguments]


def _said_until(process: subprocess.Popen[str], text: str) -> str:
    """What a process printed up to the line with a text."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person is who follows a page."""
    folder = tmp_path_factory.mktemp("up")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def receiving(folder: Path) -> Iterator[dict[str, str]]:
    """The receiver of docs/webhooks.md, begun as the page says but for its port; the variables for `make up`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    text = WEBHOOKS.read_text(encoding="utf-8").replace("8443", port)
    (folder / "receive.py").write_text(guides.files(text)["receive.py"])
    begin, variables = re.findall(r"^```sh\n(openssl .*\n)(.*) make up\n```$", text, re.MULTILINE | re.DOTALL)[0]
    certificate = begin.partition("\npython3")[0]
    subprocess.run(["bash", "-c", certificate], cwd=folder, check=True, capture_output=True)
    listed = subprocess.run(
        ["bash", "-c", f"env -i {variables} $(command -v env)"], cwd=folder, check=True, capture_output=True, text=True
    )
    with (folder / "received.txt").open("w") as received:
        server = subprocess.Popen([sys.executable, "receive.py"], cwd=folder, stdout=received)
    yield dict(line.split("=", 1) for line in listed.stdout.splitlines())
    server.kill()
    server.wait()


@pytest.fixture(scope="module")
def up(folder: Path, receiving: dict[str, str]) -> Iterator[Path]:
    out = folder / "build" / "local"
    few = folder / "few.csv"
    few.write_text("a,y\n1,2\n")
    command = _command(out, "--data", str(few), "--target", "y")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | receiving) as process:
        (out / "said").write_text(_said_until(process, "Ctrl-C ends it"))
        yield out
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.read().endswith(
            f"stopped: all that was in it is gone; what it logged is in {out / 'cloud'}\n"
        )
    assert process.returncode == 0
    assert {path.suffix for path in (out / "cloud").iterdir()} <= {".log", ".jsonl"}, "nothing but logs"
    assert not (out / "env").exists()
    assert not (out / "customer.env").exists()


@pytest.mark.parametrize("moment", ["", "on this machine", "start the cloud", "deploy the platform"])
def test_ctrl_c_ends_it_without_a_traceback_whenever_it_comes(tmp_path: Path, moment: str) -> None:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(_command(tmp_path), text=True, **streams) as process:  # type: ignore[call-overload]
        if moment:
            _said_until(process, moment)
        while not (tmp_path / "lock").exists():  # made before the libraries are loaded
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # by an impatient person
        said = process.stdout.read()
    last = said.splitlines()[-1]
    assert last.startswith("  stopped"), said
    if "it logged" in last:
        assert [path for path in (tmp_path / "cloud").glob("*") if path.suffix not in {".log", ".jsonl"}] == []
    assert "Traceback" not in said
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir() if path.name in {"env", "customer.env", "pages"}] == []
    if address := re.search(r"http://127\.0\.0\.1:\d+", said):
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address[0], timeout=5)


def test_its_pages_are_named_before_how_to_use_it_and_answer(up: Path) -> None:
    before, _, _ = (up / "said").read_text().partition("How to use it")
    addresses = re.findall(r"http://\S+", before.partition("Pages")[2])
    assert addresses
    for address in addresses:
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.headers["content-type"].startswith("text/html")


def test_the_operators_page_answers(up: Path) -> None:
    before, _, _ = (up / "said").read_text().partition("How to use it")
    (address,) = re.findall(r"(http://127\.0\.0\.1:\d+/) +for operators", before)
    with urllib.request.urlopen(f"{address}api/tenants", timeout=60) as answer:
        assert [tenant["tenant"] for tenant in json.load(answer)] == ["demo"]
    assert (up / "cloud" / "console.log").read_text() == ""


def test_a_file_is_trained_from_at_once_and_what_comes_of_it_is_shown(up: Path) -> None:
    said = (up / "said").read_text()
    assert "few predicts y" in said
    assert "TooFewRows" in said.partition("few predicts y")[2]
    assert "/models/few" not in said, "what is done already is not to be done again"


def test_webhooks_are_received_as_the_page_says(up: Path, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / WEBHOOKS.name
    page.write_text(WEBHOOKS.read_text(encoding="utf-8").partition(" make up\n```\n")[2], encoding="utf-8")
    assert len(guides.steps(page.read_text())) == 6
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TENANTML_"))}
    assert guides.follow(page, folder, environment) == [], up


def test_a_second_one_in_the_same_folder_is_refused_and_leaves_the_first_alone(up: Path) -> None:
    ran = subprocess.run(_command(up), capture_output=True, text=True, check=False, timeout=60)
    address = _sourced(up / "env", 'printf %s "$AWS_ENDPOINT_URL"')
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"A cloud is up at {address}, " in ran.stderr
    assert (up / "pages").read_text().split()[0] in ran.stderr
    assert _sourced(up / "env", _python('boto3.client("s3").list_buckets()')) == ""


@pytest.mark.parametrize("arguments", [["--data", "x.csv"], ["--target", "y"], ["--data", "x.csv", "--target", "y"]])
def test_what_cannot_be_trained_from_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    ran = subprocess.run(_command(tmp_path, *arguments), capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


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
    assert [row["model"] for row in json.loads(_sourced(up / "env", request))["models"]] == ["few"]
    status = request.replace("$TENANTML_API_KEY", "wrong") + " -o /dev/null -w '%{http_code}'"
    assert _sourced(up / "env", status) == "401"


def test_the_named_buckets_and_state_machines_exist(up: Path) -> None:
    heads = "; ".join(
        f'boto3.client("s3").head_bucket(Bucket=os.environ["TENANTML_{name}_BUCKET"])' for name in ("INGEST", "STAGING")
    )
    _sourced(up / "env", _python(heads))
    named = re.findall(r"TENANTML_(\w+)_STATE_MACHINE_ARN", (up / "env").read_text())
    assert {"TRAINING", "DEPLOYMENT", "BATCH"} <= set(named)
    arns = [f'os.environ["TENANTML_{machine}_STATE_MACHINE_ARN"]' for machine in named]
    described = 'boto3.client("stepfunctions").describe_state_machine'
    statuses = ", ".join(f'{described}(stateMachineArn={arn})["status"]' for arn in arns)
    assert _sourced(up / "env", _python(f"print({statuses})")).split() == ["ACTIVE"] * len(named)
    bucket = _sourced(up / "env", "printf %s $TENANTML_CUSTOMER_BUCKET")
    _sourced(up / "customer.env", _python(f'boto3.client("s3").head_bucket(Bucket="{bucket}")'))
