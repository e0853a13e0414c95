"""One recorded run of the scenario: on AWS, or for reference on an embedded cloud of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local import CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT, sample
from local.cloud import EmbeddedCloud
from local.deploy import StackFailed
from local.onboard import Customer
from local.platform import WAIT_SCALE, Platform
from local.report import Report
from local.scenario import Plan, Scenario
from local.screen import Screen
from smoke import recording
from smoke.accounts import CONTACT, TENANT, Accounts, NotReady, recorded
from smoke.look import look
from smoke.recording import Recorder
from tenantml.domain.names import digest_of
from tenantml.domain.tenancy.onboarding import access_stack
from tenantml_cli.context import URL_VARIABLE
from tenantml_cli.errors import CommandError

MODEL = "churn"
ROWS = 1_000
MINUTES, CANDIDATES = 30, 10
SETTINGS = {"max_candidates": CANDIDATES, "max_runtime_seconds": MINUTES * 60}
FAILURES = (CommandError, StackFailed, BotoCoreError, ClientError, OSError)


def on_aws(accounts: Accounts, out: Path, screen: Screen) -> Report:
    """Run on the accounts, write `aws.json`, and return what happened; all that was made is removed again."""
    url = os.environ.get(URL_VARIABLE) or accounts.stack.outputs["ApiUrl"]
    return _record(accounts, url, out / "aws.json", screen)


def on_the_emulator(out: Path, screen: Screen) -> Path:
    """Run on an embedded cloud, write `emulator.json` and return its path; raises NotReady when that fails here."""
    with EmbeddedCloud(wait_scale=WAIT_SCALE) as cloud, screen.step("the emulator's answers"):
        platform = Platform.deploy(cloud)
        customer = Customer(CUSTOMER_ACCOUNT, REGION, CONTACT, cloud.clients(CUSTOMER_ACCOUNT))
        with Path(os.devnull).open("w") as nowhere:
            accounts = Accounts(SAAS_ACCOUNT, REGION, platform, customer)
            report = _record(accounts, platform.api_url, out / "emulator.json", Screen(nowhere))
        if shortcomings := report.shortcomings():
            raise NotReady(f"the emulator's own run: {'; '.join(shortcomings)}: {report.error}")
    return out / "emulator.json"


def _record(accounts: Accounts, api_url: str, path: Path, screen: Screen) -> Report:
    data = path.parent / f"{MODEL}.csv"
    sample.write(data, ROWS)
    recorder, report = Recorder(), Report(TENANT, MODEL)
    accounts = recorded(accounts, recorder.attach)
    plan = Plan(TENANT, data, sample.TARGET, MODEL, SETTINGS)
    scenario = Scenario(plan, accounts.stack, accounts.customer, lambda key: recorder.api(api_url, key), report, screen)
    try:
        with _removed(scenario, recorder):
            _take_place(scenario, recorder)
    except FAILURES as error:
        _fail(report, error)
        screen.failed(report.error["code"] if report.error else "", str(error))
    finally:
        recording.write(recorder.answers, path, _known(accounts, scenario))
    return report


def _take_place(scenario: Scenario, recorder: Recorder) -> None:
    try:
        with recorder.waiting():
            scenario.on_board()
            scenario.train()
        scenario.predict()
    except FAILURES:
        # What a failed job or endpoint says is worth as much; the first failure is the one to report.
        with suppress(*FAILURES):
            look(scenario)
        raise
    look(scenario)


@contextmanager
def _removed(scenario: Scenario, recorder: Recorder) -> Iterator[None]:
    """Remove what was made, however the block ends; what cannot be removed is said, with how to do it by hand."""
    screen, report = scenario.screen, scenario.report
    try:
        yield
    except FAILURES as error:
        _fail(report, error)  # the first failure: what may fail below follows from it
        raise
    finally:
        screen.title("Removal", "of all that was made; another Ctrl-C leaves it there")
        try:
            with recorder.waiting():
                scenario.remove()
            report.left_behind = _left_behind(scenario)
        except BaseException as error:
            screen.failed("not removed", f"{type(error).__name__}: {error}")
            screen.line(f"tenantml tenant offboard {TENANT} --yes --stack {scenario.stack.name}   # with SAAS_PROFILE")
            name = access_stack(scenario.prefix)
            screen.line(f"aws cloudformation delete-stack --stack-name {name}   # with CUSTOMER_PROFILE")
            raise


def _fail(report: Report, error: Exception) -> None:
    report.fail(error.code if isinstance(error, CommandError) else type(error).__name__, str(error))


def _left_behind(scenario: Scenario) -> list[str]:
    sagemaker = scenario.customer.client("sagemaker")
    names = {"NameContains": f"{scenario.prefix}-{MODEL}-v"}
    return [
        *(item["EndpointArn"] for item in sagemaker.list_endpoints(**names)["Endpoints"]),
        *(item["EndpointConfigArn"] for item in sagemaker.list_endpoint_configs(**names)["EndpointConfigs"]),
        *(item["ModelArn"] for item in sagemaker.list_models(**names)["Models"]),
    ]


def _known(accounts: Accounts, scenario: Scenario) -> dict[str, str]:
    """What belongs to this run and these accounts, and what stands for it in a recording."""
    execution = scenario.execution.get("execution") or ""
    known = {
        accounts.saas_account: "<account>",
        accounts.customer.account_id: "<account>",
        accounts.region: "<region>",
        accounts.stack.name: "tenantml",
        scenario.external_id: "<external>",
        scenario.prefix: "<prefix>",
        execution: "<execution>",
        digest_of(execution): "<digest>",
        str(scenario.execution.get("version") or ""): "<version>",
        scenario.api_key: "<key>",
    }
    return {secret: placeholder for secret, placeholder in known.items() if secret}
