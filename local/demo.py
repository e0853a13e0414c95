"""`make demo`: a CSV becomes predictions of a model in another account, on this machine, and is removed again.

    python -m local.demo [--data PATH --target COLUMN] [--model NAME] [--retrain] [--out build/demo]

Exit code 0 when all of it really happened, 1 when it did not, 2 for a wrong command line, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import WaiterError

from local import CUSTOMER_ACCOUNT, REGION, retrain, sample
from local.cloud import EmbeddedCloud, EmbeddedCloudError
from local.deploy import StackFailed
from local.inventory import calls_into, inventory, record_calls
from local.onboard import Customer
from local.package import BuildFailed
from local.platform import started
from local.report import Report
from local.scenario import Plan, Scenario, model_name
from local.screen import Screen
from tenantml_cli.errors import CommandError
from tenantml_cli.tenant_api import TenantApi

TENANT = "acme"
PAGE = "report.html"
SETTINGS = {"bake_minutes": 1}  # nobody asks while it is seen how a version does


def main(arguments: Sequence[str] | None = None) -> int:
    """Demonstrate, report, and say by the exit code whether all of it happened."""
    plan, out, again = _plan(arguments)
    screen = Screen(sys.stdout)
    screen.title("TenantML", "AutoML in the customer's own account, on this machine")
    report = Report(TENANT, plan.model)
    # A shell starts background jobs with SIGINT ignored; whoever sends it all the same means it.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    try:
        _run(plan, out, again, report, screen)
    except KeyboardInterrupt:
        report.fail("Interrupted", "stopped by the user")
        screen.failed("stopped", "the embedded cloud and all in it are gone")
        return 130
    except (EmbeddedCloudError, BuildFailed, StackFailed, CommandError) as error:
        _fail(error, report, screen)
    finally:
        report.write(out / "report.json")
    return _conclude(report, out, screen)


def _fail(error: Exception, report: Report, screen: Screen, **evidence: object) -> None:
    code = error.code if isinstance(error, CommandError) else type(error).__name__
    report.fail(code, str(error), **evidence)
    screen.failed(code, str(error))


def _plan(arguments: Sequence[str] | None) -> tuple[Plan, Path, tuple[Path, Path] | None]:
    """Return what to train, where the report goes, and what to train again from: fewer rows, and all by then."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=main.__doc__)
    parser.add_argument("--data", type=Path, help="a CSV of your own; without it a churn table is made")
    parser.add_argument("--target", help="the column to predict, with --data")
    parser.add_argument("--model", help="the model's name; default: churn, or made from the file's name")
    parser.add_argument("--retrain", action="store_true", help="then two uploads more: one refused, one promoted")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="where both reports and the log go")
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
        return Plan(TENANT, data, sample.TARGET, options.model or "churn", SETTINGS), out, again
    if not options.target:
        parser.error("say which column to predict: --target COLUMN, or make demo DATA=file.csv TARGET=column")
    if not options.data.is_file():
        parser.error(f"there is no file {options.data}")
    again = (retrain.fewer_rows(options.data, out), options.data) if options.retrain else None
    return Plan(TENANT, options.data, options.target, options.model or model_name(options.data), SETTINGS), out, again


def _run(plan: Plan, out: Path, again: tuple[Path, Path] | None, report: Report, screen: Screen) -> None:
    (out / PAGE).unlink(missing_ok=True)  # of an earlier demonstration
    with started(out / "cloud", screen) as platform:
        cloud = platform.cloud
        before = inventory(cloud, CUSTOMER_ACCOUNT)
        customer = Customer(CUSTOMER_ACCOUNT, REGION, "cloud-team@acme.example", cloud.clients(CUSTOMER_ACCOUNT))
        scenario = Scenario(plan, platform, customer, lambda key: TenantApi(platform.api_url, key), report, screen)
        scenario.on_board()
        record_calls(cloud)
        try:
            scenario.train()
            scenario.predict()
            _show_request(scenario)
            _write_page(scenario, out / PAGE)
            if again:
                retrain.retrain(plan.model, *again, scenario.api, report, screen)
        except CommandError as error:
            called = calls_into(cloud, CUSTOMER_ACCOUNT)
            _fail(error, report, screen, calls_in_customer_account=len(called))
            if not called:
                screen.note(f"nothing was called in the customer's account {CUSTOMER_ACCOUNT}")
        _remove(scenario, cloud, before)


def _show_request(scenario: Scenario) -> None:
    screen, api, rows, model = scenario.screen, scenario.api, scenario.rows, scenario.plan.model
    first = rows.csv_text(0, 1)
    screen.title("What an app sends", "this address lasts as long as the cloud does: `make up` keeps one")
    screen.line(f"curl -sS {api.url}/models/{model}/predictions \\", indent=4)
    screen.line(f"  -H 'x-api-key: {api.api_key}' -H 'content-type: text/csv' --data-binary @- <<'CSV'", indent=4)
    for line in [*first.removesuffix("\n").split("\n"), "CSV"]:
        screen.line(line, indent=0)
    screen.note(f"answers {api.predict(model, first)['predictions'][0]}; it was {rows.truth[0]}")


def _write_page(scenario: Scenario, path: Path) -> None:
    """Keep the version's model report, which is all that outlives the demonstration's cloud."""
    version = scenario.execution["version"]
    path.write_text(scenario.api.report(scenario.plan.model, version), encoding="utf-8")
    scenario.screen.title("Model report", "one file for a browser, without a network")
    scenario.screen.line(path.absolute().as_uri(), indent=4)


def _remove(scenario: Scenario, cloud: EmbeddedCloud, before: set[str]) -> None:
    report, screen = scenario.report, scenario.screen
    screen.title("Removal")
    try:
        scenario.remove()
    except (CommandError, WaiterError) as error:
        _fail(error, report, screen)
    report.left_behind = sorted(inventory(cloud, CUSTOMER_ACCOUNT) - before)
    if report.left_behind:
        screen.failed("left behind", ", ".join(report.left_behind))
    else:
        screen.note(f"nothing is left in {CUSTOMER_ACCOUNT} but the records of AutoML jobs, which AWS cannot delete")


def _conclude(report: Report, out: Path, screen: Screen) -> int:
    shortcomings = report.shortcomings()
    screen.line()
    if shortcomings:
        screen.failed("not everything happened", "; ".join(shortcomings))
        screen.note(f"the cloud's log is {out / 'cloud' / 'server.log'}")
    screen.line(f"report: {out / 'report.json'}")
    if (page := out / PAGE).exists():
        screen.line(f"model report: {page.absolute().as_uri()}")
    return 1 if shortcomings else 0


if __name__ == "__main__":
    sys.exit(main())
