"""`tenantml`, as a person of the operators' group runs it: another process, with only an AWS client's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import sample
from local.onboard import apply_access_stack
from tests import markup
from tests.e2e.conftest import TRAINING_SECONDS
from tests.waiting import wait_for

if TYPE_CHECKING:
    from local.platform import Platform
    from tests.e2e.conftest import Tenant

ACCOUNT = "131313131313"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(platform: Platform, person: Callable[..., dict[str, str]]) -> Run:
    """Run the CLI with the keys of a person in both groups; `key` and `stdin` are an API key and the input."""
    credentials = person("oscar", "OperatorGroup", "DataGroup")  # the second for `upload TENANT/MODEL`
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TENANTML_"))}

    def running(*arguments: str, key: str = "", stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = kept | platform.cloud.environment(credentials=credentials)
        environment |= {"TENANTML_API_URL": platform.api_url} | ({"TENANTML_API_KEY": key} if key else {})
        command = [sys.executable, "-m", "tenantml_cli", *arguments]
        return subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=300, check=False
        )

    return running


def answered(ran: subprocess.CompletedProcess[str]) -> Any:
    """The document of a command that was run with --json and succeeded without telling progress."""
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return json.loads(ran.stdout)


def refused(ran: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """The exit code, and the name of the failure, of a command that was run with --json."""
    assert ran.stdout == ""
    return ran.returncode, json.loads(ran.stderr)["error"]["code"]


@pytest.fixture(scope="module")
def key(platform: Platform, run: Run) -> str:
    """The API key of a tenant that was added and activated from the shell."""
    add = ["tenant", "add", "hooli", "--account", ACCOUNT, "--region", "us-east-1", "--contact", "ops@hooli.example"]
    added = answered(run(*add, "--json"))
    assert refused(run("tenant", "activate", "hooli", "--json")) == (3, "RoleNotAssumable")
    assert refused(run(*add, "--json")) == (3, "RegistrationConflict")
    apply_access_stack(platform.cloud.clients(ACCOUNT), added["onboarding"]["parameters"])
    activated = answered(run("tenant", "activate", "hooli", "--json"))
    assert (activated["tenant"], activated["status"]) == ("hooli", "active")
    return str(activated["api_key"])


def test_tenants_are_listed_and_shown_without_their_keys(run: Run, key: str) -> None:
    listed = answered(run("tenant", "list", "--json"))["tenants"]
    assert [row["status"] for row in listed if row["tenant"] == "hooli"] == ["active"]
    shown = run("tenant", "show", "hooli")
    assert shown.returncode == 0
    assert ACCOUNT in shown.stdout
    assert key not in shown.stdout
    people = run("tenant", "list")
    assert people.stdout.splitlines()[0].split() == ["tenant", "status", "account", "region", "reason"]
    limited = answered(run("limit", "hooli", "--requests-per-second", "40", "--monthly-budget-usd", "500", "--json"))
    assert (limited["limits"]["requests_per_second"], limited["caps"]["monthly_budget_usd"]) == (40, 500)
    assert answered(run("usage", "--tenant", "hooli", "--json"))["spending"]["caps"] == limited["caps"]


def test_keys_are_added_rotated_and_revoked(run: Run, key: str) -> None:
    assert len(answered(run("tenant", "add-key", "hooli", "--json"))["keys"]) == 2
    rotated = answered(run("tenant", "rotate-key", "hooli", "--overlap-hours", "0.5", "--json"))
    assert [bool(found["expires_at"]) for found in rotated["keys"]].count(True) == 2
    key_id = next(found["key_id"] for found in rotated["keys"] if found["expires_at"])
    left = answered(run("tenant", "revoke-key", "hooli", key_id, "--json"))["keys"]
    assert key_id not in [found["key_id"] for found in left]
    assert refused(run("tenant", "revoke-key", "hooli", "0123456789ab", "--json")) == (3, "KeyNotFound")
    assert refused(run("tenant", "rotate-key", "hooli", "--overlap-hours", "999", "--json")) == (3, "InvalidOperation")


def test_a_suspended_tenant_is_active_again_after_activation(run: Run, key: str) -> None:
    assert answered(run("tenant", "suspend", "hooli", "--reason", "a test", "--json"))["status"] == "suspended"
    shown = answered(run("tenant", "show", "hooli", "--json"))
    assert (shown["status"], shown["reason"], shown["held"]) == ("suspended", "a test", True)
    assert answered(run("tenant", "activate", "hooli", "--json"))["api_key"] is None


def test_an_uploaded_dataset_is_watched_predicted_with_and_accounted_for(
    acme: Tenant, run: Run, iris: Path, tmp_path: Path
) -> None:
    acme.api.configure("shell", {"target": "species", "max_candidates": 2, "bake_minutes": 1})
    uploaded = answered(run("upload", "acme/shell", str(iris), "--json"))
    assert uploaded["key"] == "acme/shell/iris.csv"
    watched = run("watch", uploaded["execution"])
    assert watched.returncode == 0, watched.stderr
    assert "succeeded" in watched.stdout
    assert " s  StartTraining\n" in watched.stderr
    header, first = iris.read_text().splitlines()[:2]
    rows = f"{header.rsplit(',', 1)[0]}\n{first.rsplit(',', 1)[0]}\n"
    predicted = answered(run("predict", "shell", "--json", key=acme.api.api_key, stdin=rows))
    assert predicted["predictions"][0]["predicted_label"] == "setosa"
    saved = answered(run("report", "shell", "--json", "--out", str(tmp_path / "report.html"), key=acme.api.api_key))
    page = markup.read(Path(saved["file"]).read_text(encoding="utf-8"))
    assert page.one("h1").text == "shell"
    assert saved["version"] in page.one("header").text
    people = run("predict", "shell", key=acme.api.api_key, stdin=rows).stdout.splitlines()
    assert people[0].split(",")[0] == "predicted_label"
    assert people[1].split(",")[0] == "setosa"
    check_lists(run, uploaded["execution"], acme.api.api_key)
    tenants = answered(run("receipt", uploaded["execution"], "--json", key=acme.api.api_key))
    operators = answered(run("receipt", uploaded["execution"], "--tenant", "acme", "--json"))
    assert tenants["entries"] == operators["entries"]
    assert "sagemaker:CreateAutoMLJobV2" in run("receipt", uploaded["execution"], key=acme.api.api_key).stdout

    assert answered(run("quote", "shell", "--json", key=acme.api.api_key))["training"]["worst_case_usd"]
    assert "shell" in run("usage", key=acme.api.api_key).stdout
    paused = answered(run("pause", "shell", "--tenant", "acme", "--json"))
    assert (paused["state"]["status"], paused["state"]["paused_by"]) == ("paused", "operator")
    assert run("resume", "shell", "--tenant", "acme").stdout == f"shell answers with {saved['version']}.\n"

    deploy = ["deploy", "shell", uploaded["execution"], "--promote", "manual", "--json"]
    version = answered(run(*deploy, key=acme.api.api_key))["version"]
    deadline = time.monotonic() + TRAINING_SECONDS
    while not acme.api.version("shell", version)["approval"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    decided = answered(run("approve", "shell", version, "--refuse", "--reason", "a test", "--tenant", "acme", "--json"))
    assert (decided["approval"]["decision"], decided["approval"]["by"]) == ("refuse", "operator")
    assert refused(run("approve", "shell", version, "--json", key=acme.api.api_key)) == (3, "AlreadyDecided")


def check_lists(run: Run, execution: str, key: str) -> None:
    """An operator and the tenant see the same of an execution, its model and its version; the logs name it."""
    for command in (["executions", "--model", "shell"], ["models"], ["versions", "shell"]):
        kind = command[0]
        theirs = answered(run(*command, "--json", key=key))[kind]
        operators = answered(run(*command, "--tenant", "acme", "--json", key=key))[kind]
        assert theirs
        assert theirs == [{name: value for name, value in row.items() if name in theirs[0]} for row in operators]
    everybodys = answered(run("--json", "executions", "--status", "succeeded"))["executions"]
    assert execution in [row["execution"] for row in everybodys]
    assert execution not in [
        row["execution"] for row in answered(run("executions", "--failed", "--json"))["executions"]
    ]
    lines = answered(run("logs", execution, "--json"))["lines"]
    assert {"upload received", "deployment ended"} <= {line["message"] for line in lines}
    assert "StartExecution" in run("logs", execution).stdout
    watched = run("watch", execution, key=key)
    assert watched.stdout.startswith(f"{execution} succeeded. v")
    deployment = f"acme_shell_{watched.stdout.split()[2]}"
    assert "deployment ended" in [line["message"] for line in answered(run("logs", deployment, "--json"))["lines"]]
    assert "candidate 1: " in watched.stderr
    assert refused(run("stop", execution, "--json")) == (3, "NotRunning")
    assert refused(run("versions", "nothing", "--tenant", "acme", "--json")) == (3, "NotFound")


def test_a_tenant_uploads_with_its_own_key_by_a_form_and_in_parts(acme: Tenant, run: Run, tmp_path: Path) -> None:
    acme.api.configure("own", {"target": "y"})
    path = tmp_path / "few.csv"
    path.write_text("a,y\n1,2\n")
    for options in ([], ["--multipart"]):
        uploaded = answered(run("upload", "own", str(path), *options, "--json", key=acme.api.api_key))
        assert uploaded["key"] == "acme/own/few.csv"
        ended = acme.outcome(uploaded["key"])
        assert (ended["execution"], ended["error"]["code"]) == (uploaded["execution"], "TooFewRows")


def test_a_failed_execution_exits_with_4_and_its_name(acme: Tenant, run: Run, tmp_path: Path) -> None:
    acme.api.configure("shell", {"target": "species", "max_candidates": 2, "bake_minutes": 1})
    path = tmp_path / "empty.csv"
    path.write_text("")
    uploaded = answered(run("upload", "acme/shell", str(path), "--json"))
    assert refused(run("watch", uploaded["execution"], "--json")) == (4, "EmptyFile")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["tenant", "show", "nobody"], 3, "TenantNotFound"),
        (["watch", "no-such-execution", "--timeout-seconds", "0"], 3, "NoExecution"),
        (["upload", "acme/shell", "/nonexistent/file.csv"], 3, "NoFile"),
        (["upload", "acme/shell/deep", __file__], 3, "WrongUploadKey"),
        (["upload", "shell", __file__], 3, "NoApiKey"),
        (["predict", "shell"], 3, "NoApiKey"),
        (["tenant", "list", "--stack", "no-such-stack"], 1, "AccessDenied"),
        (["tenant", "offboard", "hooli"], 3, "NotConfirmed"),
        (["logs", "no-such-execution"], 3, "NoExecution"),
        (["stop", "no-such-execution"], 3, "NoExecution"),
        (["executions", "--tenant", "nobody"], 3, "TenantNotFound"),
        (["models", "--tenant", "nobody"], 3, "TenantNotFound"),
        (["pause", "nothing", "--tenant", "acme"], 3, "NotFound"),
        (["batch", "list", "nothing", "--tenant", "acme"], 3, "NotFound"),
        (["batch", "run", "shell", __file__], 3, "NoApiKey"),
    ],
)
def test_what_is_refused_exits_with_3_under_its_name(
    run: Run, key: str, arguments: list[str], exit_code: int, code: str
) -> None:
    assert refused(run(*arguments, "--json")) == (exit_code, code)


def test_a_refusal_is_said_in_words(run: Run) -> None:
    ran = run("tenant", "show", "nobody")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.startswith("tenantml: TenantNotFound: there is no tenant 'nobody'")


@pytest.mark.parametrize("arguments", [[], ["tenant"], ["tenant", "add", "x"], ["nonsense"], ["watch", "x", "--nope"]])
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.returncode == 2
    assert ran.stderr.startswith("Usage: tenantml")


def test_an_execution_that_outlives_the_wait_exits_with_5(acme: Tenant, run: Run, churn: Path) -> None:
    acme.api.configure("slow", {"target": sample.TARGET})  # all candidates: it outlives the start of two processes
    uploaded = answered(run("upload", "acme/slow", str(churn), "--json"))
    acme.execution(uploaded["key"], lambda document: document["training"])
    assert refused(run("watch", uploaded["execution"], "--timeout-seconds", "0", "--json")) == (5, "StillRunning")
    assert answered(run("stop", uploaded["execution"], "--json"))["stopped"] == uploaded["execution"]
    assert acme.outcome(uploaded["key"])["error"]["code"] == "ExecutionStopped"
    assert refused(run("watch", uploaded["execution"], "--json")) == (4, "ExecutionStopped")
    wait_for(lambda: messages(run, uploaded["execution"]), lambda told: "execution rescued" in told)
    steps, machine = acme.platform.cloud.client("stepfunctions"), acme.platform.outputs["RescueStateMachineArn"]
    names = [row["name"] for row in steps.list_executions(stateMachineArn=machine)["executions"]]
    rescue = next(name for name in names if "execution rescued" in messages(run, name))
    assert refused(run("stop", rescue, "--json")) == (3, "NoExecution")


def messages(run: Run, execution: str) -> list[str]:
    """What the functions logged of an execution."""
    return [line["message"] for line in answered(run("logs", execution, "--json"))["lines"]]


def test_a_tenant_that_never_applied_its_template_is_removed_by_abandoning_it(run: Run) -> None:
    account = ["--account", "141414141414", "--region", "us-east-1", "--contact", "ops@ghost.example"]
    answered(run("tenant", "add", "ghost", *account, "--json"))
    ran = run("tenant", "offboard", "ghost", "--yes")
    assert ran.returncode == 4
    assert "tenantml: RemovalIncomplete: ghost is removed in part only; CustomerAccessRevoked" in ran.stderr
    assert "tenantml tenant offboard ghost --yes --abandon" in ran.stderr
    assert "{" not in ran.stderr
    done = answered(run("tenant", "offboard", "ghost", "--yes", "--abandon", "--json"))
    assert done["report"]["remains"] == []
    wait_for(lambda: messages(run, done["offboarding"]), lambda told: "removal concluded" in told)


def test_offboarding_removes_the_tenant_and_prints_what_was_removed(run: Run, key: str) -> None:
    done = answered(run("tenant", "offboard", "hooli", "--yes", "--json"))
    assert done["report"]
    assert "hooli" not in [row["tenant"] for row in answered(run("tenant", "list", "--json"))["tenants"]]
    assert refused(run("tenant", "activate", "hooli", "--json")) == (3, "TenantNotFound")
