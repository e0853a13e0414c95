"""Whatever is typed: the command line ends with one of its exit codes, and never with a traceback."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tenantml_cli.__main__ import main
from tenantml_cli.errors import MEANINGS, REFUSED, UNEXPECTED, USAGE
from tenantml_cli.stack import Stack
from tools.cli_docs import commands

OUTPUTS = {
    **{
        f"{name}Function": f"tenantml-{name}"
        for name in (
            "RegisterTenant", "ActivateTenant", "DescribeTenants", "DescribeModels", "DescribeExecutions", "IssueKey",
            "RevokeKey", "SuspendTenant", "LimitTenant", "ShowEvidence", "DecideApproval", "DeployVersion",
            "ReturnVersion", "PauseModel", "OperatorWebhooks",
        )
    },
    **{
        f"{name}StateMachineArn": f"arn:aws:states:us-east-1:123456789012:stateMachine:tenantml-{name}"
        for name in ("Training", "Deployment", "Offboarding")
    },
    "IngestBucket": "ingest",
    "LogGroup": "/tenantml/functions",
    "ApiUrl": "http://127.0.0.1:9/v1",
}  # fmt: skip
ODD = st.text(max_size=30) | st.sampled_from(
    ["", "-", "--", "nan", "-inf", "1e999", "-1", "0", "1e300", "\udcff", "é", "a b", "../..", "/", "x" * 2000, "acme"]
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stack with outputs and nothing behind them but a bucket; the working folder, with one file."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "rows.csv").write_text("a,y\n1,2\n")
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("TENANTML_API_KEY", "tml_key")
        patch.delenv("TENANTML_API_URL", raising=False)
        patch.chdir(folder)
        patch.setattr(Stack, "outputs", OUTPUTS)  # moto's CloudFormation needs what is not installed here
        boto3.client("s3").create_bucket(Bucket="ingest")
        boto3.client("s3").put_bucket_versioning(Bucket="ingest", VersioningConfiguration={"Status": "Enabled"})
        yield folder


def run(*arguments: str) -> int:
    """Return the exit code of a command."""
    return main(arguments)


def lines() -> st.SearchStrategy[list[str]]:
    """Return each command with something for each of its arguments, most of it odd."""

    def line(name: str) -> st.SearchStrategy[list[str]]:
        parts: list[st.SearchStrategy[list[str]]] = []
        for parameter in commands()[name].params:
            is_flag = getattr(parameter, "is_flag", False)
            value = st.just([]) if is_flag else (ODD | st.just("rows.csv")).map(lambda text: [text])
            if isinstance(parameter, click.Argument):
                parts.append(value)
            else:
                given_option = value.map(lambda found, option=parameter.opts[0]: [option, *found])
                parts.append(given_option if parameter.required else st.just([]) | given_option)
        return st.tuples(*parts).map(lambda found: [*name.split()[1:], *(text for part in found for text in part)])

    return st.sampled_from(sorted(commands())).flatmap(line)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(arguments=lines())
@example(["tenant", "rotate-key", "acme", "--overlap-hours", "1e307"])
@example(["predict", "churn", "\udcff"])
@example(["watch", "acme-churn-0", "--timeout-seconds", "nan"])
def test_no_argument_ends_in_a_traceback(
    stack: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr("tenantml_cli.stack._START_SECONDS", 0)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a,y\n1,2\n")))
    exit_code = run(*arguments)
    assert exit_code in MEANINGS
    printed = capsys.readouterr()
    assert (exit_code == 0) == (printed.err == "" or printed.err.startswith("  "))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "-0.001", "1e307", "soon", ""])
@pytest.mark.parametrize(
    "command",
    [
        ["tenant", "rotate-key", "acme", "--overlap-hours"],
        ["tenant", "offboard", "acme", "--timeout-seconds"],
        ["watch", "acme-churn-0", "--timeout-seconds"],
        ["batch", "run", "churn", "rows.csv", "--timeout-seconds"],
    ],
)
def test_a_time_that_is_none_is_wrong_usage(
    stack: Path, capsys: pytest.CaptureFixture[str], command: list[str], value: str
) -> None:
    assert run(*command[:-1], f"{command[-1]}={value}") == USAGE
    assert f"'{command[-1]}': expected a number from 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["predict", "churn"], ["upload", "churn"], ["upload", "acme/churn"], ["batch", "run", "churn"]]
)
@pytest.mark.parametrize("name", ["missing.csv", ".", ""])
def test_a_file_that_is_none_is_refused_by_name(
    stack: Path, capsys: pytest.CaptureFixture[str], command: list[str], name: str
) -> None:
    assert run(*command, name, "--json") == REFUSED
    failure: dict[str, Any] = json.loads(capsys.readouterr().err)["error"]
    assert (failure["code"], failure["message"]) == ("NoFile", f"{name!r} is not a file that can be read")


def test_an_api_that_cannot_be_reached_is_no_refusal(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict", "churn", "rows.csv", "--json") == UNEXPECTED
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "URLError"
