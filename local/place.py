"""What `make up` keeps: a cloud with a deployed platform and an on-boarded tenant, its pages, and files to source."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local import CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT, internet, sample
from local.console.process import Console
from local.onboard import Customer, OnboardedTenant, onboard
from local.platform import Platform, started
from local.report import Report
from local.scenario import Plan, Scenario
from local.screen import Screen
from tenantml_cli.errors import CommandError
from tenantml_cli.stack import state_machines
from tenantml_cli.tenant_api import TenantApi

TENANT, CONTACT = "demo", "cloud-team@demo.example"
PAGES_FILE = "pages"

_SOURCE = """\
. {env}     # any AWS client is the operator now; {customer_env}: the customer
PATH="$PWD/.venv/bin:$PATH"
"""
_UPLOAD = """
# configure a model, as the tenant's app does
curl -sS "$TENANTML_API_URL/models/{model}" -X PUT -H "x-api-key: $TENANTML_API_KEY" \\
  -H "content-type: application/json" -d '{{"target": "{target}"}}'

# upload with the tenant's API key, or with the operator's credentials
tenantml upload {model} {data}
tenantml upload {tenant}/{model} {data}
"""
_LOOK = """
# look, and watch one of them
tenantml executions
tenantml watch EXECUTION
"""
_PREDICT = """
# predict, once it has succeeded: some rows without their last column
head -4 {data} | sed 's/,[^,]*$//' | tenantml predict {model}
"""
_PREDICT_YOURS = """
# predict, once it has succeeded: rows without the column {target}
tenantml predict {model} ROWS.csv
"""


@contextmanager
def kept(out: Path, port: int, screen: Screen) -> Iterator[tuple[Platform, OnboardedTenant]]:
    """A cloud with a platform, a tenant and the operators' page, and the files that lead to them.

    All of it ends with the block; logs stay. Raises EmbeddedCloudError, ConsoleError, BuildFailed, StackFailed or
    CommandError when it does not come up.
    """
    try:
        with started(out / "cloud", screen, port, internet.asked_for()) as platform:
            with screen.step("on-board a tenant") as step:
                tenant = onboard(platform, TENANT, CUSTOMER_ACCOUNT, CONTACT)
                step.detail = f"{TENANT}, its models are in account {CUSTOMER_ACCOUNT}"
            with Console(platform) as console:
                write_shell_file(out / "env", platform_variables(platform, tenant))
                write_shell_file(out / "customer.env", platform.cloud.environment(CUSTOMER_ACCOUNT))
                lines = pages(platform, console.url, out / "env")
                (out / PAGES_FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                yield platform, tenant
    finally:
        for name in ("env", "customer.env", PAGES_FILE):
            (out / name).unlink(missing_ok=True)


def pages(platform: Platform, console_url: str, env: Path) -> list[str]:
    """Return the pages that a browser opens, a line each: the address, and what is there."""
    offered = {
        f"{platform.api_url}/app": f"for tenants: sign in with TENANTML_API_KEY of {env}",
        console_url: "for operators: executions, tenants, endpoints, grants, receipts, logs",
        f"{platform.api_url}/docs": "the API's document, to try it on",
    }
    width = max(map(len, offered))
    return [f"{address:{width}}  {what}" for address, what in offered.items()]


def how_to(out: Path, plan: Plan, *, is_trained: bool) -> str:
    """Return the commands with which one begins; those that configure and upload unless that is done already."""
    text = _SOURCE + _LOOK + _PREDICT_YOURS if is_trained else _SOURCE + _UPLOAD + _LOOK + _PREDICT
    names = {"env": out / "env", "customer_env": out / "customer.env", "data": shlex.quote(str(plan.data))}
    return text.format(**names, tenant=plan.tenant, model=plan.model, target=plan.target)


def sample_plan(out: Path) -> Plan:
    """Return the churn table as what to train, written next to the shell files."""
    path = out / "churn.csv"
    sample.write(path)
    return Plan(TENANT, path, sample.TARGET, "churn")


def train(platform: Platform, tenant: OnboardedTenant, plan: Plan, screen: Screen) -> None:
    """Train a model and show what comes of it; a failure is shown, and leaves the cloud as it is."""
    customer = Customer(tenant.account_id, REGION, CONTACT, platform.cloud.clients(tenant.account_id))
    report = Report(tenant.tenant, plan.model)
    scenario = Scenario(plan, platform, customer, lambda key: TenantApi(platform.api_url, key), report, screen)
    scenario.api = TenantApi(platform.api_url, tenant.api_key)
    try:
        scenario.train()
    except CommandError as error:
        screen.failed(error.code, str(error))


def platform_variables(platform: Platform, tenant: OnboardedTenant) -> dict[str, str]:
    """What an operator and the tenant's app need to know."""
    outputs = platform.outputs
    return platform.cloud.environment(SAAS_ACCOUNT) | {
        "TENANTML_API_URL": platform.api_url,
        "TENANTML_TENANT": tenant.tenant,
        "TENANTML_API_KEY": tenant.api_key,
        "TENANTML_CUSTOMER_ACCOUNT": tenant.account_id,
        "TENANTML_CUSTOMER_BUCKET": f"{tenant.prefix}-{tenant.account_id}-{REGION}",
        "TENANTML_INGEST_BUCKET": outputs["IngestBucket"],
        "TENANTML_STAGING_BUCKET": outputs["StagingBucket"],
        **{f"TENANTML_{name.upper()}_STATE_MACHINE_ARN": arn for name, arn in state_machines(outputs).items()},
    }


def write_shell_file(path: Path, variables: Mapping[str, str]) -> None:
    """Write `export NAME=value` lines into a file that only its owner can read from the start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        # Left over from another account, these would be mixed with, or preferred to, what follows.
        file.write("unset AWS_SESSION_TOKEN AWS_PROFILE\n")
        for name, value in variables.items():
            file.write(f"export {name}={shlex.quote(value)}\n")
