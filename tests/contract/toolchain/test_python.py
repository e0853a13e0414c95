"""`make` with a Python that cannot be used: it says so, and the next attempt is none the worse for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNSUPPORTED = "#!/bin/sh\nexit 1\n"
INTERRUPTED = """#!/bin/sh
case "$*" in
  "-m venv"*) mkdir -p .venv/bin; ln -s /nonexistent/python .venv/bin/python; exit 1;;
esac
"""
SUPPORTED = """#!/bin/sh
case "$*" in
  "-m venv --clear .venv") rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
esac
"""


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """What `make` needs to create an environment, and three Pythons."""
    shutil.copy(repository / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    shutil.copy(repository / "requirements" / "cloud.txt", tmp_path / "requirements")
    for name, script in {"unsupported": UNSUPPORTED, "interrupted": INTERRUPTED, "supported": SUPPORTED}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(clone: Path, python: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--directory", str(clone), ".venv/.uv", f"PYTHON={python}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("python", ["./unsupported", "/nonexistent/python", "python3 --nonsense"])
def test_a_python_that_is_not_supported_is_refused_before_anything_is_made(clone: Path, python: str) -> None:
    ran = make(clone, python)
    assert ran.returncode != 0
    assert f"{python} is no Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/one." in ran.stderr
    assert not (clone / ".venv").exists()


def test_an_attempt_that_failed_does_not_spoil_the_next_one(clone: Path) -> None:
    assert make(clone, "./interrupted").returncode != 0
    assert (clone / ".venv" / "bin" / "python").is_symlink()
    ran = make(clone, "./supported")
    assert ran.returncode == 0, ran
    assert not (clone / ".venv" / "bin" / "python").is_symlink()
