"""`make demo`: a CSV becomes predictions of a model in another account, on this machine, and is removed again.

    python -m local.demo [--data PATH --target COLUMN] [--model NAME] [--retrain] [--out build/demo]

Exit code 0 when all of it really happened, 1 when it did not, 2 for a wrong command line, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import WaiterError

from local import CUSTOMER_ACCOUNT, SAAS_ACCOUNT, judgement, retrain, sample
from local.cloud import EmbeddedCloud, EmbeddedCloudError
from local.deploy import StackFailed
from local.inventory import calls_into, inventory, record_calls
from local.onboard import delete_access_stack, onboard
from local.package import BuildFailed
from local.platform import WAIT_SCALE, Platform
from local.progress import Progress
from local.report import Report
from local.screen import Screen, figure
from tenantml_cli.errors import CommandError, Refused
from tenantml_cli.tenant_api import Document, TenantApi

TENANT = "acme"
_BATCH_ROWS = 100
_START_SECONDS = 60.0
_WATCH_SECONDS = 2 * 3600.0
_SHOWN_CANDIDATES = 10


@dataclass(frozen=True)
class Plan:
    """What to demonstrate: a dataset, the column to predict, the model's name, where the report goes, and what to train
    again from: fewer rows, and all that there are by then.
    """

    data: Path
    target: str
    model: str
    out: Path
    again: tuple[Path, Path] | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Demonstrate, report, and say by the exit code whether all of it happened."""
    plan = _plan(arguments)
    screen = Screen(sys.stdout)
    screen.title("TenantML", "AutoML in the customer's own account, on this machine")
    report = Report(TENANT, plan.model)
    # A shell starts background jobs with SIGINT ignored; whoever sends it all the same means it.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    try:
        _run(plan, report, screen)
    except KeyboardInterrupt:
        report.fail("Interrupted", "stopped by the user")
        screen.failed("stopped", "the embedded cloud and all in it are gone")
        return 130
    except (EmbeddedCloudError, BuildFailed, StackFailed, CommandError) as error:
        _fail(error, report, screen)
    finally:
        report.write(plan.out / "report.json")
    return _conclude(report, plan, screen)


def _fail(error: Exception, report: Report, screen: Screen, **evidence: object) -> None:
    code = error.code if isinstance(error, CommandError) else type(error).__name__
    report.fail(code, str(error), **evidence)
    screen.failed(code, str(error))


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=main.__doc__)
    parser.add_argument("--data", type=Path, help="a CSV of your own; without it a churn table is made")
    parser.add_argument("--target", help="the column to predict, with --data")
    parser.add_argument("--model", help="the model's name; default: churn, or made from the file's name")
    parser.add_argument("--retrain", action="store_true", help="then two uploads more: one refused, one promoted")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="where report.json and the log go")
    options = parser.parse_args(arguments)
    out: Path = options.out
    if options.data is None:
        if options.target:
            parser.error("--target (TARGET=column) goes with --data (DATA=file.csv)")
        data = out / "churn.csv"
        sample.write(data)
        again = None
        if options.retrain:
            newer = out / "newer-churn.csv"
            sample.write(newer, seed=sample.DEFAULT_SEED + 1)
            again = retrain.fewer_rows(data, out), newer
        return Plan(data, sample.TARGET, options.model or "churn", out, again)
    if not options.target:
        parser.error("say which column to predict: --target COLUMN, or make demo DATA=file.csv TARGET=column")
    if not options.data.is_file():
        parser.error(f"there is no file {options.data}")
    again = (retrain.fewer_rows(options.data, out), options.data) if options.retrain else None
    return Plan(options.data, options.target, options.model or _model_name(options.data), out, again)


def _model_name(path: Path) -> str:
    """A name that the API takes, from a file's: 1 to 30 of a-z, 0-9 and inner hyphens, starting with a letter."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).lstrip("0123456789-")[:30].strip("-") or "model"


def _run(plan: Plan, report: Report, screen: Screen) -> None:
    shutil.rmtree(plan.out / "cloud", ignore_errors=True)
    cloud = EmbeddedCloud(plan.out / "cloud", wait_scale=WAIT_SCALE)
    try:
        with screen.step("start the cloud") as step:
            cloud.start()
            step.detail = f"accounts {SAAS_ACCOUNT} (SaaS) and {CUSTOMER_ACCOUNT} (customer), {cloud.endpoint_url}"
        with screen.step("deploy the platform") as step:
            platform = Platform.deploy(cloud)
            step.detail = f"template.yaml into {SAAS_ACCOUNT}"
        before = inventory(cloud, CUSTOMER_ACCOUNT)
        with screen.step("on-board a tenant") as step:
            tenant = onboard(platform, TENANT, CUSTOMER_ACCOUNT, "cloud-team@acme.example")
            step.detail = f"{TENANT}: customer_access.yaml into {CUSTOMER_ACCOUNT}, role probed, API key issued"
        record_calls(cloud)
        try:
            _train_and_predict(plan, platform, TenantApi(platform.api_url, tenant.api_key), report, screen)
        except CommandError as error:
            called = calls_into(cloud, CUSTOMER_ACCOUNT)
            _fail(error, report, screen, calls_in_customer_account=len(called))
            if not called:
                screen.note(f"nothing was called in the customer's account {CUSTOMER_ACCOUNT}")
        _remove(platform, before, report, screen)
    finally:
        cloud.stop()


def _train_and_predict(plan: Plan, platform: Platform, api: TenantApi, report: Report, screen: Screen) -> None:
    with screen.step("configure a model") as step:
        api.configure(plan.model, {"target": plan.target})
        step.detail = f"{plan.model} predicts {plan.target}"
    with screen.step("upload") as step:
        upload_key = api.upload(plan.model, plan.data)
        step.detail = f"{plan.data} through a presigned form, {plan.data.stat().st_size:,} bytes"

    document = _watch(platform, api, upload_key, report, screen)
    report.read(document)
    _show_leaderboard(report, screen)
    described = platform.cloud.client("sagemaker", CUSTOMER_ACCOUNT).describe_endpoint(
        EndpointName=document["endpoint"]["name"]
    )
    account = described["EndpointArn"].split(":")[4]
    report.endpoint = {"name": described["EndpointName"], "account": account, "status": described["EndpointStatus"]}
    screen.title("Endpoint")
    screen.line(f"{described['EndpointName']} is {described['EndpointStatus']} in account {account}", indent=4)
    version = api.version(plan.model, document["version"])
    evaluation = api.evaluation(plan.model, document["version"])
    report.holdout = judgement.headline(evaluation)
    report.evaluation = judgement.summed_up(evaluation, version["verdict"])
    judgement.show(evaluation, version["verdict"], report.objective or {}, screen)
    _predict_holdout(plan, platform, api, document, report, screen)
    if plan.again:
        retrain.retrain(plan.model, *plan.again, api, report, screen)


def _watch(platform: Platform, api: TenantApi, upload_key: str, report: Report, screen: Screen) -> Document:
    execution = _await_execution(api, upload_key)
    screen.title("Pipeline", execution)
    progress = Progress(screen, lambda: api.execution(execution))
    try:
        platform.follow_upload(execution, _WATCH_SECONDS, progress.show)
    finally:
        progress.end()
        report.timings_seconds = {name: round(seconds, 3) for name, seconds in progress.seconds.items()}
        document = api.execution(execution)
        report.advice = document["advice"]
        _show_advice(report.advice, screen)
    return document


def _await_execution(api: TenantApi, upload_key: str) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while (document := api.execution_of(upload_key)) is None:
        if time.monotonic() > deadline:
            raise Refused("NoExecution", f"the upload {upload_key} started nothing within {_START_SECONDS:.0f} s")
        time.sleep(0.25)
    return str(document["execution"])


def _predict_holdout(
    plan: Plan, platform: Platform, api: TenantApi, document: Document, report: Report, screen: Screen
) -> None:
    key = f"{document['tenant']}/{document['model']}/{document['execution']}/holdout.csv"
    stored = platform.cloud.client("s3").get_object(Bucket=platform.outputs["StagingBucket"], Key=key)
    header, *rows = _rows(stored["Body"].read())
    if not rows:
        header, *rows = _rows(plan.data.read_bytes())[: 1 + _BATCH_ROWS]
    target = header.index(plan.target)
    truth = [row.pop(target) for row in rows]
    header.pop(target)
    milliseconds = []
    for start in range(0, len(rows), _BATCH_ROWS):
        screen.busy("predict", f"{start:,} of {len(rows):,} rows")
        batch, began = _csv_text(header, rows[start : start + _BATCH_ROWS]), time.perf_counter()
        api.predict(plan.model, batch)
        milliseconds.append((time.perf_counter() - began) * 1000)
    report.api = {"url": api.url, "requests": len(milliseconds), "p50_ms": round(statistics.median(milliseconds), 1)}
    one = _csv_text(header, rows[:1])
    screen.title("What an app sends", "this address lasts as long as the cloud does: `make up` keeps one")
    screen.line(f"curl -sS {api.url}/models/{plan.model}/predictions \\", indent=4)
    screen.line(f"  -H 'x-api-key: {api.api_key}' -H 'content-type: text/csv' --data-binary @- <<'CSV'", indent=4)
    for line in [*one.removesuffix("\n").split("\n"), "CSV"]:
        screen.line(line, indent=0)
    screen.note(f"answers {api.predict(plan.model, one)['predictions'][0]}; it was {truth[0]}")
    screen.note(f"{len(rows):,} rows in {len(milliseconds)} requests, p50 {report.api['p50_ms']} ms")


def _remove(platform: Platform, before: set[str], report: Report, screen: Screen) -> None:
    screen.title("Removal")
    try:
        with screen.step("off-board the tenant") as step:
            removal = platform.offboard(TENANT)
            step.detail = "{removed} removed, {impossible} impossible to remove".format(**removal["counts"])
        with screen.step("delete the customer's stack"):
            delete_access_stack(platform.cloud, CUSTOMER_ACCOUNT)
    except (CommandError, WaiterError) as error:
        _fail(error, report, screen)
    report.left_behind = sorted(inventory(platform.cloud, CUSTOMER_ACCOUNT) - before)
    if report.left_behind:
        screen.failed("left behind", ", ".join(report.left_behind))
    else:
        screen.note(f"nothing is left in {CUSTOMER_ACCOUNT} but the records of AutoML jobs, which AWS cannot delete")


def _rows(content: bytes) -> list[list[str]]:
    """Return a file's rows, its header first; blank lines are none."""
    return [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True) if row]


def _csv_text(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def _show_advice(advice: Sequence[Document], screen: Screen) -> None:
    if advice:
        screen.title("Advice", "what is valid and likely a mistake")
    for entry in advice:
        where = f", column {entry['column']!r}" if entry["column"] else ""
        screen.line(f"{entry['rule']}{where}: {entry['message']}", indent=4)


def _show_leaderboard(report: Report, screen: Screen) -> None:
    shown = report.candidates[:_SHOWN_CANDIDATES]
    screen.title("Leaderboard", f"{report.problem_type}, {len(report.candidates)} candidates")
    screen.table(("candidate", "metric", "value"), [(c["name"], c["metric"], figure(c["value"])) for c in shown])


def _conclude(report: Report, plan: Plan, screen: Screen) -> int:
    shortcomings = report.shortcomings()
    screen.line()
    if shortcomings:
        screen.failed("not everything happened", "; ".join(shortcomings))
        screen.note(f"the cloud's log is {plan.out / 'cloud' / 'server.log'}")
    screen.line(f"report: {plan.out / 'report.json'}")
    return 1 if shortcomings else 0


if __name__ == "__main__":
    sys.exit(main())
