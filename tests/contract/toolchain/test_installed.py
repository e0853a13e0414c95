"""What is installed has names of its own: no package `cli`, `local` or `functions`, which other projects have too."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import hatchling.build
import pytest


@pytest.fixture(autouse=True)
def _in_the_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)  # a build backend builds the project that it is started in


def require_names_of_our_own(packages: set[str]) -> None:
    assert {"tenantml", "tenantml_cli"} <= packages
    assert [name for name in sorted(packages) if not name.startswith("tenantml")] == []


def test_a_wheel_holds_our_packages_alone(tmp_path: Path) -> None:
    wheel = ZipFile(tmp_path / hatchling.build.build_wheel(str(tmp_path)))
    require_names_of_our_own({name.partition("/")[0] for name in wheel.namelist()})


def test_an_editable_install_reaches_our_packages_alone(tmp_path: Path) -> None:
    wheel = ZipFile(tmp_path / hatchling.build.build_editable(str(tmp_path)))
    (path_file,) = (name for name in wheel.namelist() if name.endswith(".pth"))
    folders = [Path(line) for line in wheel.read(path_file).decode().splitlines()]
    # A folder without __init__.py is a package too.
    entries = [entry for folder in folders for entry in folder.iterdir() if entry.is_dir() or entry.suffix == ".py"]
    require_names_of_our_own({entry.stem for entry in entries} - {"__pycache__"})
