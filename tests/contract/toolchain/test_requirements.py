"""Every environment is pinned, hashed and free of addresses; a package has one version wherever it meets itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

_REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements"
_SETS = sorted(path.stem for path in _REQUIREMENTS.glob("*.txt"))
_PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)(?: ; (.*?))? \\$")


def _pins(name: str) -> set[tuple[str, ...]]:
    """(package, version, marker) of each requirement."""
    lines = (_REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    return {match.groups(default="") for line in lines if (match := _PIN.match(line))}


@pytest.mark.parametrize("name", _SETS)
def test_every_line_is_a_pin_or_its_hash(name: str) -> None:
    lines = (_REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    unexpected = [line for line in lines if not line.startswith(("#", "    --hash=sha256:")) and not _PIN.match(line)]
    assert not unexpected
    assert _pins(name)


@pytest.mark.parametrize("name", _SETS)
def test_no_index_address_is_written_down(name: str) -> None:
    for path in (_REQUIREMENTS / f"{name}.txt", _REQUIREMENTS / f"{name}.in"):
        assert "://" not in path.read_text()


@pytest.mark.parametrize("name", ["core", "analysis", "cloud"])
def test_what_runs_is_what_was_tested(name: str) -> None:
    """The embedded cloud runs functions on .venv's packages in the place of the layer's: so they must be the same."""
    assert _pins(name) <= _pins("dev")


def test_the_browser_is_pinned_by_integrity_alone() -> None:
    lock = (_REQUIREMENTS / "browser" / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    wanted = json.loads((_REQUIREMENTS / "browser" / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, package in packages.items() if name and not package["integrity"].startswith("sha512-")] == []
    assert "://" not in lock
