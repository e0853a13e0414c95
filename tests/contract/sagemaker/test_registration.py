"""What our SageMaker stands on in the emulator is there, and an upgrade that removes it is noticed at the start."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from local import sagemaker
from local.patches.emulator import EmulatorChanged

NEEDED = [(module, name) for module, names in sagemaker._NEEDED.items() for name in names]
REGISTRIES = [
    *(("ministack.app", name) for name in ("SERVICE_REGISTRY", "SERVICE_HANDLERS", "_state_map", "_loaded_modules")),
    ("ministack.core.router", "SERVICE_PATTERNS"),
]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The emulator's module, whose registries are as before when the test is over."""
    for module_name, name in REGISTRIES:
        module = importlib.import_module(module_name)
        monkeypatch.setattr(module, name, dict(getattr(module, name)))
    return importlib.import_module("ministack.app")


@pytest.mark.parametrize(("module_name", "name"), [*NEEDED, *REGISTRIES], ids=lambda part: part.rpartition(".")[2])
def test_a_symbol_that_is_gone_stops_the_start(
    emulator: Any, monkeypatch: pytest.MonkeyPatch, module_name: str, name: str
) -> None:
    monkeypatch.delattr(f"{module_name}.{name}")
    with pytest.raises(EmulatorChanged, match=name):
        sagemaker.register()


def test_registration_routes_persists_and_resets_our_service(emulator: Any) -> None:
    from ministack.core.router import detect_service

    from local.sagemaker import service

    sagemaker.register()
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=A/20261122/us-east-1/sagemaker/aws4_request"}
    control = detect_service("POST", "/", signed | {"x-amz-target": "SageMaker.ListModels"}, {})
    runtime = detect_service("POST", "/endpoints/name/invocations", signed, {})
    assert (control, runtime) == ("sagemaker", "sagemaker")
    assert emulator._get_module(emulator._state_map["sagemaker"]) is service
    assert {"get_state", "load_persisted_state", "reset", "handle_request"} <= vars(service).keys()


def test_a_sagemaker_of_the_emulator_itself_is_noticed(emulator: Any) -> None:
    emulator.SERVICE_REGISTRY["sagemaker"] = {"module": "sagemaker"}
    with pytest.raises(EmulatorChanged, match="its own SageMaker"):
        sagemaker.register()
