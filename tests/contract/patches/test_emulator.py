"""A patch applies only to the source that it was written for."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest

from local.patches import PATCHES, emulator


def original(number: int) -> int:
    return number + 1


def owner() -> SimpleNamespace:
    return SimpleNamespace(__name__="ministack.example", original=original)


def test_a_mend_wraps_what_it_was_written_for() -> None:
    patched = owner()
    emulator.wrap(patched, "original", emulator.digest(original), lambda before: lambda number: before(number) * 10)
    assert patched.original(1) == 20


def test_two_mends_of_one_function_are_both_bound_to_what_the_emulator_ships() -> None:
    patched = owner()
    for _ in range(2):
        emulator.wrap(patched, "original", emulator.digest(original), lambda before: lambda number: before(number) * 10)
    assert patched.original(1) == 200


def test_a_changed_function_stops_the_start() -> None:
    with pytest.raises(emulator.EmulatorChanged, match=r"ministack.example.original has changed"):
        emulator.wrap(owner(), "original", "0123456789ab", lambda before: before)


def test_a_function_that_is_gone_stops_the_start() -> None:
    with pytest.raises(emulator.EmulatorChanged, match=r"ministack.example.other, which a patch replaces, is gone"):
        emulator.wrap(owner(), "other", "0123456789ab", lambda before: before)


def test_another_release_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "version", lambda _: "99.0")
    with pytest.raises(emulator.EmulatorChanged, match=r"99\.0 is installed, the patches .* are for 1\.5\.33"):
        emulator.require_release()


@pytest.mark.parametrize("name", PATCHES)
def test_every_mend_has_a_contract_test_and_a_row_in_the_documentation(
    name: str, request: pytest.FixtureRequest
) -> None:
    assert request.path.with_name(f"test_{name}.py").is_file()
    assert f"`{name}`" in (request.config.rootpath / "docs/embedded-cloud.md").read_text()
    assert import_module(f"local.patches.{name}").__doc__
