"""When a run holds every e2e test, its end compares what the policies allow with what was asked of them.

No test can do that: with several workers none is the last, and each worker has a cloud of its own. Failed tests do not
prevent it: they may leave a permission unused, and hide nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from local.patches import shared_models

# OpenMP reads it when it is loaded. Its threads spin while they wait: on two busy cores one file took 47 s, then 7 s.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Most tests have a session of their own, which would read 0.2 s of botocore's models.
shared_models.share()

pytest_plugins = ["tests.browser"]

_E2E = Path(__file__).parent / "e2e"
_OBSERVED = Path("build/e2e/permissions")  # one file of each worker, written by its fixture `platform`
NOT_EXPLORED = "not explore"  # what only these use is a permission of the demonstration's own clouds
_FINDINGS = pytest.StashKey[list[str]]()
_RUN = pytest.StashKey[set[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_RUN] = set()
    if not _is_worker(session.config):
        session.config.pluginmanager.register(_Modules(session.config.stash[_RUN]))
        shutil.rmtree(session.config.rootpath / _OBSERVED, ignore_errors=True)


class _Modules:
    """Notes the modules that had a test that ran; of all workers, in the process that starts them."""

    def __init__(self, run: set[str]) -> None:
        self._run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or (report.when == "call" and report.passed):
            self._run.add(report.nodeid.split("::")[0])


@pytest.hookimpl(trylast=True)  # after the workers have ended
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    ended = exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    if _is_worker(config) or not ended or not _is_whole(config):
        return
    from tests.e2e import least_privilege

    parts = [json.loads(path.read_text()) for path in sorted((config.rootpath / _OBSERVED).glob("*.json"))]
    unused = least_privilege.reasons("unused_permissions.toml")
    provoked = least_privilege.reasons("provoked_refusals.toml")
    config.stash[_FINDINGS] = list(least_privilege.findings(parts, unused, provoked))
    if config.stash[_FINDINGS]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _FINDINGS not in config.stash:
        return
    findings = config.stash[_FINDINGS]
    terminalreporter.section(f"least privilege: {len(findings)} findings", red=bool(findings), green=not findings)
    if findings and {"failed", "error"} & terminalreporter.stats.keys():
        terminalreporter.line("Tests failed: what only they use is listed as never used.")
    for line in findings:
        terminalreporter.line(line)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _is_whole(config: pytest.Config) -> bool:
    """Whether every e2e module was run, all of each."""
    narrowed = [config.option.keyword, config.option.markexpr not in {"", NOT_EXPLORED}, config.option.deselect]
    modules = {path.relative_to(config.rootpath).as_posix() for path in _E2E.glob("test_*.py")}
    return not any(narrowed) and not any("::" in argument for argument in config.args) and modules <= config.stash[_RUN]
