"""The runner of `make mutants` tells a mutant that is seen from one that is not, and from a test that did not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import run
from tests.mutants.mutants import Change, Mutant

MODULE = '"""A guard."""\n\nLIMIT = 3\n\n\ndef guard(number):\n    return number <= LIMIT\n'
TEST = """
from planted import guard

def test_guard():
    assert not guard(4)

def test_nothing():
    assert guard(2)

def test_that_fails():
    assert guard(4)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    wheel = '[tool.hatch.build.targets.wheel]\ndev-mode-dirs = ["layer"]\n'
    files = {"layer/planted.py": MODULE, "tests/test_planted.py": TEST, "pyproject.toml": wheel}
    for name, content in files.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "checkout"


def mutant(name: str, text: str, becomes: str, test: str) -> Mutant:
    return Mutant(name, "planted", (Change("layer/planted.py", text, becomes),), (f"tests/test_planted.py::{test}",))


def test_what_no_test_sees_is_named_and_so_is_what_no_test_ran_with(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mutants = [
        mutant("seen", "number <= LIMIT", "True", "test_guard"),
        mutant("survives", "LIMIT = 3", "LIMIT = 5", "test_nothing"),
        mutant("cannot be imported", "def guard", "def other", "test_guard"),
        mutant("has no such name", "number <= LIMIT", "number <= LIMITS", "test_guard"),
        mutant("stale", "no such text", "", "test_guard"),
    ]
    assert run(checkout, mutants, jobs=2) == [one.name for one in mutants[1:]]
    printed = capsys.readouterr().out
    assert [word in printed for word in ("✓ seen", "SURVIVED", "NOT TESTED", "STALE")] == [True] * 4
    assert (checkout / "layer" / "planted.py").read_text() == MODULE


def test_nothing_is_removed_before_the_tests_pass(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="must pass before"):
        run(checkout, [mutant("seen", "number <= LIMIT", "True", "test_that_fails")], jobs=1)
    assert capsys.readouterr().out == ""
