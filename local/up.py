"""`make up`: the embedded cloud with a deployed platform and an on-boarded tenant, until Ctrl-C.

    python -m local.up [--port PORT] [--out build/local]

Writes `env` (the SaaS account's operator, and the tenant's API) and `customer.env` (the customer's account): shell
files to source, readable by their owner alone, removed when it ends. Serves the operators' page (`local/console`).
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from local import CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT, sample
from local.cloud import EmbeddedCloud
from local.console.process import Console
from local.onboard import OnboardedTenant, onboard
from local.platform import WAIT_SCALE, Platform
from local.screen import Screen
from local.server import ENDPOINT_FILE

TENANT = "demo"

_HOW_TO = """\
. {env}     # any AWS client is the operator now; {customer_env}: the customer
api() {{ route=$1; shift; curl -sS "$TENANTML_API_URL$route" -H "x-api-key: $TENANTML_API_KEY" "$@"; }}
json="content-type: application/json"

# configure a model
api /models/churn -X PUT -H "$json" -d '{{"target": "Churn?"}}'

# upload with the operator's credentials ...
aws s3 cp {sample} "s3://$TENANTML_INGEST_BUCKET/$TENANTML_TENANT/churn/churn.csv"
# ... or with the tenant's API key alone, through a presigned form
api /models/churn/uploads -H "$json" -d '{{"file_name": "churn.csv"}}' > form.json
form() {{ python3 -c "import json; form = json.load(open('form.json')); print($1)"; }}
curl -sS $(form "*('-F %s=%s' % field for field in form['fields'].items())") -F file=@{sample} "$(form "form['url']")"

# watch
api "/executions?model=churn" | python3 -m json.tool

# predict, once it has succeeded: some rows without their last column
head -4 {sample} | sed 's/,[^,]*$//' |
  api /models/churn/predictions -H "content-type: text/csv" --data-binary @-
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, print how to use it, and stay until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=main.__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="the cloud's port on loopback; 0 takes a free one (default)"
    )
    parser.add_argument("--out", type=Path, default=Path("build/local"), help="where the shell files and the log go")
    options = parser.parse_args(arguments)
    out: Path = options.out
    # A shell starts background jobs with SIGINT ignored; here it must end the cloud.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    out.mkdir(parents=True, exist_ok=True)
    lock = (out / "lock").open("w")  # held as long as this process lives, however it ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(_already_up(out), file=sys.stderr)
        return 1
    screen = Screen(sys.stdout)
    screen.title("TenantML", "on this machine, until Ctrl-C")
    shutil.rmtree(out / "cloud", ignore_errors=True)
    cloud = EmbeddedCloud(out / "cloud", port=options.port, wait_scale=WAIT_SCALE)
    opened = contextlib.ExitStack()  # what ends before the cloud does
    try:
        with screen.step("start the cloud") as step:
            cloud.start()
            step.detail = f"{cloud.endpoint_url}, log in {cloud.log_path}"
        with screen.step("deploy the platform") as step:
            platform = Platform.deploy(cloud)
            step.detail = f"account {SAAS_ACCOUNT}, API {platform.api_url}"
        with screen.step("on-board a tenant") as step:
            tenant = onboard(platform, TENANT, CUSTOMER_ACCOUNT, "cloud-team@demo.example")
            step.detail = f"{TENANT}, its models are in account {CUSTOMER_ACCOUNT}"
        with screen.step("serve the page") as step:
            console = opened.enter_context(Console(platform))
            step.detail = f"for operators, log in {console.log_path}"
        sample.write(out / "churn.csv")
        write_shell_file(out / "env", platform_variables(platform, tenant))
        write_shell_file(out / "customer.env", cloud.environment(CUSTOMER_ACCOUNT))
        screen.title("Pages")
        screen.line(f"{console.url}  for operators: executions, tenants, endpoints, grants, receipts, logs")
        screen.line(f"{platform.api_url}/app   sign in with TENANTML_API_KEY of {out / 'env'}")
        screen.line(f"{platform.api_url}/docs  the API's document, to try it on")
        screen.title("How to use it")
        how_to = _HOW_TO.format(env=out / "env", customer_env=out / "customer.env", sample=out / "churn.csv")
        for line in how_to.splitlines():
            screen.line(line)
        screen.title("Up", "Ctrl-C ends it and removes everything")
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.line("\nstopped")
    finally:
        opened.close()
        cloud.stop()
        for name in ("env", "customer.env"):
            (out / name).unlink(missing_ok=True)
    return 0


def _already_up(out: Path) -> str:
    endpoint = out / "cloud" / ENDPOINT_FILE
    state = f"is up at {endpoint.read_text().strip()}" if endpoint.exists() else "is starting"
    return (
        f"A cloud {state}, with its state in {out / 'cloud'}. Use it with `. {out / 'env'}`, end it with Ctrl-C in its "
        "shell, or start another one: .venv/bin/python -m local.up --out build/other"
    )


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
        "TENANTML_TRAINING_STATE_MACHINE_ARN": outputs["TrainingStateMachineArn"],
        "TENANTML_DEPLOYMENT_STATE_MACHINE_ARN": outputs["DeploymentStateMachineArn"],
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


if __name__ == "__main__":
    sys.exit(main())
