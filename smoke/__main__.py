"""`make smoke`: prove on AWS what the emulator can only claim, and say where the two answer differently.

A tenant `smoke` is on-boarded, trains a model, predicts with it and is removed again, by the steps of `make demo`, on a
deployed stack and a real customer's account. Every answer is kept, without anything that belongs to an account or a
tenant, and compared with the emulator's to the same calls: members, types, statuses, error codes and forms of names.

Two profiles: --saas-profile is an operator (a member of the stack's IAM group, output OperatorGroup);
--customer-profile is the customer's cloud team (an administrator of an account that is nobody's customer yet). Region
and endpoint are those of any AWS client.

Exit code 0 when nothing differs, 1 when the run failed, 2 when it did not begin, 3 when something differs, 130 after
Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local.cloud import EmbeddedCloudError
from local.deploy import StackFailed
from local.package import BuildFailed
from local.report import Report
from local.screen import Screen
from smoke import accounts, comparison, findings, recording, run
from smoke.accounts import Accounts, NotReady
from smoke.recording import NoRecording
from tenantml.domain.training.endpoint_plan import SMALLEST

SAME, FAILED, NOT_BEGUN, DIFFERENT, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, compare, report; return the exit code."""
    options = _parser().parse_args(arguments)
    screen = Screen(sys.stdout)
    # A shell starts background jobs with SIGINT ignored; what was made has to be removed on SIGTERM, too.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    try:
        for path in (options.recorded, options.reference):
            if path:
                recording.read(path)  # before anything is made
        aws = options.recorded or options.out / "aws.json"
        if not options.recorded:
            found = accounts.find(options.stack, options.saas_profile, options.customer_profile)
            _announce(found, screen, is_confirmed=options.yes)
        # The emulator first: it costs half a minute and nothing else, should this machine lack something.
        reference = options.reference or run.on_the_emulator(options.out, screen)
        if not options.recorded and _has_failed(run.on_aws(found, options.out, screen), options.out, screen):
            return FAILED
        return _compare(aws, reference, options.out, screen)
    except (NotReady, NoRecording, EmbeddedCloudError, BuildFailed, StackFailed) as error:
        print(f"smoke: {error}", file=sys.stderr)
        return NOT_BEGUN
    except KeyboardInterrupt:
        print("smoke: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m smoke", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stack", default="tenantml", help="STACK=: the deployed stack; default: tenantml")
    parser.add_argument("--saas-profile", default="", help="SAAS_PROFILE=: default: the environment's credentials")
    parser.add_argument("--customer-profile", default="", help="CUSTOMER_PROFILE=: the customer's account")
    parser.add_argument("--yes", action="store_true", help="YES=1: do not ask before anything is made")
    parser.add_argument(
        "--recorded", type=Path, help="RECORDED=aws.json: compare what somebody recorded; AWS is not asked"
    )
    parser.add_argument(
        "--reference", type=Path, help="REFERENCE=emulator.json: an earlier recording of the emulator, not a new one"
    )
    parser.add_argument("--out", type=Path, default=Path("build/smoke"), help="where recordings and report go")
    return parser


def _announce(found: Accounts, screen: Screen, *, is_confirmed: bool) -> None:
    screen.title("TenantML on AWS", "compared with the emulator")
    for line in _announcement(found):
        screen.line(line)
    screen.line()
    if not is_confirmed:
        _ask()


def _has_failed(report: Report, out: Path, screen: Screen) -> bool:
    shortcomings = report.shortcomings()
    if shortcomings:
        screen.failed("not everything happened", "; ".join(shortcomings))
    if report.error:
        screen.line(f"{report.error['code']}: {report.error['message']}")
        screen.line(f"What it means: docs/errors.md. What AWS answered until then: {out / 'aws.json'}")
    return bool(shortcomings)


def _announcement(found: Accounts) -> list[str]:
    return f"""\
stack {found.stack.name} in account {found.saas_account}, customer {found.customer.account_id}, both in {found.region}
makes    a tenant '{accounts.TENANT}', and a model of {run.ROWS:,} generated rows
at most  {run.CANDIDATES} candidates, {run.MINUTES} minutes of training, one endpoint on {SMALLEST}
takes    30 to 60 minutes, and $0.50 to $3 of the customer's
removes  all of it, however it ends, but the record of the AutoML job, which AWS keeps
needs    a stack that is 15 minutes old: S3 may lose the events of a younger one
""".splitlines()


def _ask() -> None:
    if not sys.stdin.isatty():
        raise NotReady("nobody can be asked here: YES=1 confirms the cost")
    if input("  Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise NotReady("not confirmed: nothing was made")


def _compare(recorded: Path, reference: Path, out: Path, screen: Screen) -> int:
    differences = comparison.compare(recording.read(recorded), recording.read(reference))
    out.mkdir(parents=True, exist_ok=True)
    text = findings.render(differences, recorded)
    (out / "report.md").write_text(text, encoding="utf-8")
    screen.title("AWS and the emulator")
    for line in text.splitlines():
        screen.line(line)
    screen.line(f"report: {out / 'report.md'}")
    return DIFFERENT if differences else SAME


if __name__ == "__main__":
    sys.exit(main())
