"""`make mutants`: remove protections one at a time, each in a copy of the checkout, and demand that its tests fail.

    python -m tests.mutants [--jobs N] [--list] [NAME or GROUP …]

Exit code 0 when every mutant is seen. The tests must pass without mutants; one that cannot be collected or imported
sees nothing.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.mutants import REPOSITORY, Mutant, Stale, read_tables

LONGEST_SECONDS, OF_ALL_SECONDS = 120, 1800  # of one mutant, which may never end; of all tests without one
NOT_COPIED = (".git", ".venv*", ".browser", ".aws-sam", ".hypothesis", ".*_cache", "build")
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=short", "-rfE")
# A test that fails of these has not run what it is about.
UNLOADABLE = re.compile(
    r"^(FAILED|ERROR) .* - (ImportError|IndentationError|ModuleNotFoundError|NameError|SyntaxError)\b"
)


class Copy:
    """A copy of a checkout, in which a mutant's changes are made and taken back."""

    def __init__(self, checkout: Path, root: Path) -> None:
        shutil.copytree(checkout, root, ignore=shutil.ignore_patterns(*NOT_COPIED))
        if (checkout / ".venv").exists():
            (root / ".venv").symlink_to((checkout / ".venv").resolve())
        wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
        packages = os.pathsep.join(str(root / folder) for folder in wheel["dev-mode-dirs"])
        # Before what is installed, which is the checkout's. No bytecode of a mutant outlives it.
        self._environment = os.environ | {"PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "300"}
        self._checkout, self._root = checkout, root

    def test(self, tests: Iterable[str], *options: str, seconds: int = LONGEST_SECONDS) -> tuple[int | None, str]:
        """Return pytest's exit code, None when it did not end in time, and what it printed."""
        with subprocess.Popen(
            [sys.executable, *PYTEST, *options, *tests],
            cwd=self._root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return None, process.communicate()[0]
        return process.returncode, printed

    def try_mutant(self, mutant: Mutant) -> tuple[bool, str]:
        """Return whether a test fails of a mutant, and which; or why none does."""
        try:
            changed = mutant.contents(self._root)
        except Stale as error:
            return False, f"STALE: {error}"
        try:
            for path, content in changed.items():
                path.write_text(content)
            code, printed = self.test(mutant.tests, "-x")
        finally:
            for path in changed:
                shutil.copy2(self._checkout / path.relative_to(self._root), path)
        if code == 0:
            return False, f"SURVIVED: {' '.join(mutant.tests)}"
        if code != 1 or any(map(UNLOADABLE.match, printed.splitlines())):
            return False, f"NOT TESTED (pytest: {'no end' if code is None else code})\n{printed[-1500:]}"
        return True, " ".join(re.findall(r"(?m)^(?:FAILED|ERROR) \S+::(\S+)", printed))


def run(checkout: Path, mutants: list[Mutant], jobs: int) -> list[str]:
    """Try mutants in copies of a checkout, a line for each; return the names of those that were not seen.

    Raises:
        SystemExit: their tests fail without them.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch, ThreadPoolExecutor(jobs) as pool:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(checkout, Path(scratch, str(number))))
        copy = copies.get()
        code, printed = copy.test(
            dict.fromkeys(test for mutant in mutants for test in mutant.tests), seconds=OF_ALL_SECONDS
        )
        copies.put(copy)
        if code != 0:
            sys.exit(f"{printed}\nThe tests must pass before anything is removed.")

        def attempt(mutant: Mutant) -> bool:
            copy, began = copies.get(), time.monotonic()
            try:
                is_seen, said = copy.try_mutant(mutant)
            finally:
                copies.put(copy)
            seconds = time.monotonic() - began
            print(f"{'✓' if is_seen else '✗'} {mutant.name:50} {seconds:3.0f} s  {said}", flush=True)
            return is_seen

        return [mutant.name for mutant, seen in zip(mutants, pool.map(attempt, mutants), strict=True) if not seen]


def main() -> int:
    """Try the chosen mutants, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant, or a group: the name of a table")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--list", action="store_true", help="print names and tests only")
    asked = parser.parse_args()
    mutants = read_tables()
    if unknown := set(asked.names) - {mutant.name for mutant in mutants} - {mutant.group for mutant in mutants}:
        parser.error(f"no mutant and no group is called {', '.join(sorted(unknown))}")
    mutants = [mutant for mutant in mutants if not asked.names or {mutant.name, mutant.group} & {*asked.names}]
    if asked.list:
        print("\n".join(f"{mutant.group:12} {mutant.name:60} {' '.join(mutant.tests)}" for mutant in mutants))
        return 0
    os.nice(10)
    unseen = run(REPOSITORY, mutants, asked.jobs)
    print(
        f"\n{len(mutants) - len(unseen)} of {len(mutants)} removed protections are seen"
        + "".join(f"\n  {name}" for name in unseen)
    )
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
