"""`make cases`: take each case through one embedded cloud; print file, outcome, message and advice.

    python -m tests.cases [NAME or GROUP …]

Exit code 0 when all of them come to what they should.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import CUSTOMER_ACCOUNT
from local.cloud import EmbeddedCloud
from local.onboard import onboard
from local.platform import WAIT_SCALE, Platform
from tenantml_cli.tenant_api import TenantApi
from tests.cases import cloud
from tests.cases.files import CASES, GROUPS, Case, Result

AT_ONCE = 4  # a training waits a third of its time


def main() -> int:
    """Run the chosen cases and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"a case, or a group: {', '.join(GROUPS)}")
    wanted = parser.parse_args().names or list(GROUPS)
    if unknown := [name for name in wanted if name not in GROUPS | CASES]:
        parser.error(f"no case and no group is called {', '.join(unknown)}")
    cases = [case for name in wanted for case in GROUPS.get(name) or [CASES[name]]]
    with (
        tempfile.TemporaryDirectory() as scratch,
        EmbeddedCloud(Path(scratch, "cloud"), wait_scale=WAIT_SCALE) as running,
    ):
        platform = Platform.deploy(running)
        tenant = onboard(platform, "acme", CUSTOMER_ACCOUNT, "cloud-team@acme.example")
        api = TenantApi(platform.api_url, tenant.api_key)

        def take(case: Case) -> tuple[Result, list[str]]:
            outcome = cloud.run(case, api, Path(scratch))
            platform.offboard("acme", cloud.model_of(case))  # an account has twenty endpoints
            return outcome

        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = pool.map(take, cases)
            failed = [case.name for case, outcome in zip(cases, outcomes, strict=True) if not _show(case, *outcome)]
    print(
        f"\n{len(cases) - len(failed)} of {len(cases)} files come to what they should"
        + "".join(f"\n  {name}" for name in failed)
    )
    return 1 if failed else 0


def _show(case: Case, result: Result, wrong: list[str]) -> bool:
    print(f"{'✗' if wrong else '✓'} {case.name:32} {result.outcome:20} {result.message}", flush=True)
    for entry in result.advice[:5]:
        print(f"{'':35}{entry['rule']}, {entry['column']!r}: {entry['message']}")
    for reason in wrong:
        print(f"{'':35}✗ {reason}", flush=True)
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
